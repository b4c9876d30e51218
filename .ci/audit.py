"""What is known against the packages that requirements.lock lists; or that nobody could be asked.

    python .ci/audit.py

by a Python that has pip-audit. Exits with 1 if there is a known vulnerability.
"""

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements.lock"


def main() -> None:
    """Ask, and say what came of it."""
    command = ["--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json"]
    asked = subprocess.run(
        [sys.executable, "-m", "pip_audit", *command, "--requirement", LOCK],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        packages = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError):
        packages = []
    known = [package for package in packages if "vulns" in package]
    if not known:
        print(
            "audit: no vulnerability service can be reached from here; all that is installed is "
            "what requirements.lock lists, reviewed by hand (docs/dependencies.md)"
        )
        return
    found = [(package, each) for package in known for each in package["vulns"]]
    for package, each in found:
        fixed = ", ".join(each["fix_versions"]) or "no version yet"
        print(f"audit: {package['name']} {package['version']}: {each['id']}, mended in {fixed}")
    unknown = len(packages) - len(known)
    print(f"audit: {len(known)} packages looked up, {unknown} unknown there, {len(found)} findings")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
