"""``winnow users``: accounts from the command line, for those who run the server."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from pathlib import Path

from app.cli.environment import Subparsers, open_database, settings_from
from app.db.repositories import projects as projects_repository
from app.db.session import Session
from app.domain.accounts import Role
from app.domain.errors import InvalidInput, NotFound
from app.services import users


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("users", help="list, add or let in users", description=__doc__)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data-dir", "--data_dir", type=Path, help="where everything is kept (default ./data)")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list all users", parents=[shared])
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=run_list)
    adding = actions.add_parser("add", help="add a user, or set an existing one's password", parents=[shared])
    adding.add_argument("username")
    adding.add_argument("--admin", action="store_true", help="make them an admin of the server")
    adding.add_argument("--project", help="give them a role in this project")
    adding.add_argument("--role", choices=list(Role), default=Role.REVIEWER.value)
    adding.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    adding.set_defaults(run=run_add)
    reset = actions.add_parser(
        "reset", aliases=["link"], help="print a link by which a user chooses a new password", parents=[shared]
    )
    reset.add_argument("username")
    reset.set_defaults(run=run_reset)
    email = actions.add_parser("email", help="say which e-mail address is a user's", parents=[shared])
    email.add_argument("username")
    email.add_argument("address", help="single sign-on may find the account by it; '' takes it away")
    email.set_defaults(run=run_email)


def run_list(args: argparse.Namespace) -> int:
    with open_database(settings_from(args)).reading() as session:
        rows = users.list_users(session)
    if args.json:
        print(json.dumps([{"username": u.username, "is_admin": u.is_admin, "is_active": u.is_active} for u in rows]))
        return 0
    for user in rows:
        notes = [word for word, is_so in (("admin", user.is_admin), ("inactive", not user.is_active)) if is_so]
        print(f"{user.username or '(invited)':24} {user.display_name:30} {' '.join(notes)}".rstrip())
    return 0


def run_add(args: argparse.Namespace) -> int:
    password = sys.stdin.readline().rstrip("\n") if args.password_stdin else _ask_password()
    with open_database(settings_from(args)).writing() as session:
        user = users.set_password(session, args.username, password, is_admin=args.admin)
        if args.project:
            _give_role(session, args.project, user.id, args.role)
        name = user.username
    print(f"{name} can sign in.")
    return 0


def _ask_password() -> str:
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Again: "):
        raise InvalidInput("The two passwords differ.")
    return first


def _give_role(session: Session, slug: str, user_id: int, role: str) -> None:
    project = projects_repository.find_project(session, slug)
    if project is None:
        raise NotFound(f"There is no project {slug!r}.")
    projects_repository.set_member(session, project.id, user_id, role)


def run_email(args: argparse.Namespace) -> int:
    with open_database(settings_from(args)).writing() as session:
        user = users.set_email(session, args.username, args.address)
        told = f"{user.username} is {user.email}." if user.email else f"{user.username} has no e-mail address now."
    print(told)
    return 0


def run_reset(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    with open_database(settings).writing() as session:
        token = users.make_reset_link(session, args.username)
    print(f"http://{settings.host}:{settings.port}/welcome/{token}")
    return 0
