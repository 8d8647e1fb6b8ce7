"""Prints how many tests of a JUnit report, of CTest or of Vitest, passed and failed: two numbers."""

import sys
import xml.etree.ElementTree as xml


def outcome(case: xml.Element) -> str:
    # CTest says so; a test whose program is missing is "notrun", and has failed. Vitest leaves it out.
    status = case.get("status")
    if status:
        return {"run": "passed", "disabled": "skipped"}.get(status, "failed")
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"


def main() -> int:
    outcomes = [outcome(case) for case in xml.parse(sys.argv[1]).getroot().iter("testcase")]
    print(outcomes.count("passed"), outcomes.count("failed"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
