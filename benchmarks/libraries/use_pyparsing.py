"""pip install pyparsing==3.3.3

The first two uses of a grammar, each in a thread of its own.
"""

import threading

import pyparsing as pp


def run(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def first_parses():
    pp.ParserElement.enable_packrat()
    word = pp.Word(pp.alphas)
    grammar = pp.Forward()
    grammar <<= word | ("(" + grammar + ")")
    parsed = []

    def parse(text):
        parsed.append(grammar.parse_string(text).as_list())

    run(lambda: parse("(a)"), lambda: parse("b"))
    assert sorted(parsed) == [["(", "a", ")"], ["b"]]
