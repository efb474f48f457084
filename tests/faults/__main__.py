"""`python -m tests.faults [PART OF [EVERY [OPERATION]]]`: every fault at every point, or some."""

import sys

from tests.faults.running import main

if __name__ == "__main__":
    sys.exit(main(*(int(one) if one.isdigit() else one for one in sys.argv[1:])))
