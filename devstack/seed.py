"""Fills a new stack with what a running exchange takes for granted; harmless to repeat.

Each part of the work stands in a module of its own, whose `main` does it or raises.
"""

from __future__ import annotations

import logging
import os
import sys
import time

from devstack import people, seed_aws, seed_chains, seed_staff
from devstack.site import Site

logger = logging.getLogger("devstack.seed")


def main() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # Its lines show the node's password.
    for part in (seed_aws, seed_chains, seed_staff):
        began = time.monotonic()
        part.main()
        logger.info("%s done in %.1f s", part.__name__, time.monotonic() - began)
    people.write_staff(Site.load(os.environ), map(_login, seed_staff.STAFF))


def _login(member: seed_staff.StaffMember) -> people.Login:
    kind = str(member.role).replace("_", " ")
    return people.Login(kind, member.login, member.password, member.can, member.totp_secret)


if __name__ == "__main__":
    main()
