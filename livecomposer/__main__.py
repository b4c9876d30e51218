"""`python -m livecomposer` is `livecomposer`."""

from livecomposer.cli import main

main()
