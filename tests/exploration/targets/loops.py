"""Event loops of ``asyncio`` and other threads."""

import asyncio
import threading


def _check_time(loop, began):
    assert loop.time() - began < 5, "nothing but the timer woke the loop"


def _woken(tell):
    """Run a loop until another thread has told it something, or a timer has."""

    async def wait():
        loop = asyncio.get_running_loop()
        began = loop.time()
        loop.call_later(5, int)
        told = loop.create_future()
        thread = threading.Thread(target=tell, args=(loop, told))
        thread.start()
        await told
        _check_time(loop, began)
        thread.join()

    asyncio.run(wait())


def call_soon():
    _woken(lambda loop, told: loop.call_soon(told.set_result, 1))


def result_set():
    _woken(lambda loop, told: told.set_result(1))


def put_nowait():
    async def wait():
        items = asyncio.Queue()
        thread = threading.Thread(target=items.put_nowait, args=(1,))
        thread.start()
        assert await items.get() == 1
        thread.join()

    asyncio.run(wait())


def call_soon_threadsafe():
    _woken(lambda loop, told: loop.call_soon_threadsafe(told.set_result, 1))


def _in_a_thread(tell):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    tell(loop)
    thread.join()
    loop.close()


def stop():
    _in_a_thread(lambda loop: loop.stop())


def told_when_closed():
    loop = asyncio.new_event_loop()

    def tell():
        if not loop.is_closed():
            loop.call_soon_threadsafe(print)

    thread = threading.Thread(target=tell)
    thread.start()
    loop.close()
    thread.join()
