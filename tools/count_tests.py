"""Prints how many tests of a JUnit report of CTest passed and failed: two numbers."""

import sys
import xml.etree.ElementTree as xml


def main() -> int:
    cases = xml.parse(sys.argv[1]).getroot().findall("testcase")
    failed = sum(1 for case in cases if case.get("status") not in ("run", "disabled"))
    disabled = sum(1 for case in cases if case.get("status") == "disabled")
    print(len(cases) - failed - disabled, failed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
