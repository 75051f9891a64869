"""Look the pinned versions up among known security holes; fail where one has a fix.

Usage: python tools/audit_dependencies.py constraints.txt

Ends with 0 where there is nothing to do, with 1 where a pinned version has a known hole that a
later version closes. Where the service that knows cannot be asked, that is said and nothing else:
no answer is not a good answer, but it is no reason to stop work either.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

UNREACHABLE = (
    "NOT AUDITED: the service of known holes cannot be reached from here, so nothing is known "
    "about the pinned versions. Run this where there is a network."
)


def judge(report: Mapping[str, Any] | None) -> tuple[int, list[str]]:
    """Turn pip-audit's report into an exit code and lines to show.

    Parameters
    ----------
    report : mapping or None
        Its JSON; None where there was none.

    Returns
    -------
    code : int
    lines : list of str
    """
    dependencies = (report or {}).get("dependencies", [])
    audited = [entry for entry in dependencies if "vulns" in entry and "skip_reason" not in entry]
    if not audited:
        return 0, [UNREACHABLE]
    code, lines = 0, []
    for entry in audited:
        for hole in entry["vulns"]:
            fixes = hole.get("fix_versions", [])
            code = max(code, int(bool(fixes)))
            remedy = f"use {fixes[-1]}" if fixes else "no version closes it yet"
            lines.append(f"{entry['name']} {entry['version']}: {hole['id']}; {remedy}")
    skipped = len(dependencies) - len(audited)
    lines.append(f"{len(audited)} versions audited, {skipped} unknown to the service")
    return code, lines


def main(requirements: str) -> int:
    """Audit a file of pinned versions.

    Parameters
    ----------
    requirements : str

    Returns
    -------
    int
        Exit code.
    """
    command = [sys.executable, "-m", "pip_audit", "--requirement", requirements, "--no-deps"]
    command += ["--disable-pip", "--format", "json", "--progress-spinner", "off"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report = json.loads(ended.stdout)
    except ValueError:
        report = None
        network = ("ConnectionError", "ServiceError", "Timeout", "timed out", "Max retries")
        if not any(word in ended.stderr for word in network):
            print(ended.stderr.strip())
            return 2
    code, lines = judge(report)
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "constraints.txt"))
