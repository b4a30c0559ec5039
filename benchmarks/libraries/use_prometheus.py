"""pip install prometheus_client==0.26.0

A scrape during an observation; two increments of a labelled counter.
"""

import threading

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def scrape():
    registry = CollectorRegistry()
    times = Histogram("t", "seconds", registry=registry, buckets=(1, 2))
    scraped = []
    run(lambda: times.observe(1.5), lambda: scraped.append(generate_latest(registry).decode()))
    lines = (line for line in scraped[0].splitlines() if not line.startswith("#"))
    values = dict(line.rsplit(" ", 1) for line in lines)
    assert (values["t_sum"] == "1.5") == (values["t_count"] == "1.0"), values


def counter():
    registry = CollectorRegistry()
    hits = Counter("hits", "requests", ["path"], registry=registry)
    run(*[lambda: hits.labels("/").inc()] * 2)
    assert registry.get_sample_value("hits_total", {"path": "/"}) == 2
