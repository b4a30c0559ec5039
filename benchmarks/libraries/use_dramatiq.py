"""pip install dramatiq==2.2.1

Two messages for a worker of two threads, which is stopped when both are done.
"""

import threading

import dramatiq
from dramatiq.brokers.stub import StubBroker


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def stopped():
    broker = StubBroker()
    broker.emit_after("process_boot")
    done = []

    @dramatiq.actor(broker=broker)
    def work(number):
        done.append(number)

    worker = dramatiq.Worker(broker, worker_timeout=100, worker_threads=2)
    worker.start()
    run(lambda: work.send(1), lambda: work.send(2))
    broker.join("default")
    worker.join()
    worker.stop()
    assert sorted(done) == [1, 2]
