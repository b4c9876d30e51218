"""Look on as the monitor's page does, until an answer is heard.

    python .ci/hear.py ADDRESS

by a Python that has websockets. ADDRESS is the page's, as it was printed.
"""

import json
import sys

from websockets.sync.client import connect

PATIENCE_S = 60
MACHINE = 1


def main() -> None:
    """Wait for a note of the machine's, and say when it came."""
    page, _, token = sys.argv[1].partition("/#")
    with connect(page.replace("http", "ws") + "/live", origin=page, proxy=None) as live:
        live.send(json.dumps({"type": "enter", "token": token}))
        while True:
            said = json.loads(live.recv(PATIENCE_S))
            heard = [key for key in said.get("keys", []) if key[0] == MACHINE]
            if heard:
                print(f"heard: an answer at beat {heard[0][2]:g}")
                return


if __name__ == "__main__":
    main()
