"""The web side: pages for people, ``/api/v1`` for programs. Routes parse, call one service, and answer."""
