"""Reads Prometheus' text format, version 0.0.4, as strictly as its description allows."""

import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
ESCAPES = {r"\"": '"', r"\\": "\\", r"\n": "\n"}
SUFFIXES = {"summary": ("", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


class Malformed(AssertionError):
    pass


def _labels(text):
    labels = {}
    while text:
        match = LABEL.match(text)
        if not match or match.group(1) in labels:
            raise Malformed(f"labels: {text}")
        labels[match.group(1)] = re.sub(r'\\["\\n]', lambda escape: ESCAPES[escape.group()], match.group(2))
        text = text[match.end():]
        if text and not text.startswith(","):
            raise Malformed(f"labels: {text}")
        text = text[1:]
    return labels


def parse(text):
    """{name: {frozenset of labels: value}}"""
    if not text.endswith("\n"):
        raise Malformed("the last line has no end")
    kinds, helps, result, family = {}, set(), {}, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            if name in helps:
                raise Malformed(f"HELP of {name} comes twice")
            helps.add(name)
        elif line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            if family in kinds or kind not in SUFFIXES:
                raise Malformed(line)
            kinds[family] = kind
        else:
            match = NAME.match(line)
            name, rest = match.group(), line[match.end():]
            if family is None or name not in [family + suffix for suffix in SUFFIXES[kinds[family]]]:
                raise Malformed(f"{name} is not of {family}, under which it stands")
            labels = {}
            if rest.startswith("{"):
                end = rest.rindex("}")
                labels, rest = _labels(rest[1:end]), rest[end + 1:]
            value = float(rest)
            if kinds[family] == "counter" and not (name.endswith("_total") and value >= 0):
                raise Malformed(f"no counter: {line}")
            if math.isnan(value) and "quantile" not in labels:  # A quantile of nothing is no number.
                raise Malformed(line)
            series = result.setdefault(name, {})
            if series.setdefault(frozenset(labels.items()), value) is not value:
                raise Malformed(f"twice: {line}")
    if set(kinds) != helps:
        raise Malformed("not everything has its HELP and TYPE")
    return result
