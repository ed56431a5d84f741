"""`checkpointbot`: run · demo · worker · init · doctor · audit · backup · restore. Exit code 0 fine, 1 failed, 2 usage.

What a command needs is imported when it is called: the whole program takes seconds to import, its help must not.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, ClassVar, Protocol

import click

if TYPE_CHECKING:
    from bot.operations.reload import Running
    from bot.operations.service import Notifier
    from bot.settings import Settings

PULSE = 1.0
"""Seconds between looks at what else there is to do until the program is stopped. Without an end, the wait would keep
Ctrl-C waiting on Windows."""

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The settings file, instead of checkpointbot.yaml or the one that CHECKPOINTBOT_CONFIG names.",
)


def entry() -> None:
    """The executable. It does not wait for threads that nothing can wake, such as one that looks for a lost host every
    five minutes: what they wait for is on disk, and is taken up at the next start."""
    code: object = 0
    _end_by_exceptions()
    try:
        main()
    except SystemExit as end:
        code = end.code
    finally:
        logging.shutdown()
        with suppress(OSError):  # what could not be written was flushed before, and told then
            sys.stdout.flush()
        sys.stderr.flush()
    if isinstance(code, int) and code < 0:
        signal.signal(-code, signal.SIG_DFL)
        signal.raise_signal(-code)
        code = 128 - code  # the first program of a container does not end by it
    os._exit(code if isinstance(code, int) else 0)


def _end_by_exceptions() -> None:
    """So that a command which is told to end takes away what is half made: half a backup holds secrets too. What runs
    until it is told to end listens by itself, later."""

    def end(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # once is enough
        sys.exit(-number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


class Late(click.Group):
    """A group that loads some of its commands when they are called. Its help has a line for each and loads none."""

    late: ClassVar[Mapping[str, tuple[str, str, str]]] = {
        "audit": (
            "bot.operations.audit",
            "audit",
            "Check the ledger, export it, or archive what is old.",
        ),
        "backup": (
            "bot.operations.backup",
            "backup_command",
            "Copy the ledger, the jobs and the one-time codes into a new folder of PATH, as they are at one moment.",
        ),
        "codes": (
            "bot.operations.codes",
            "codes",
            "Give people their one-time codes, or take them away.",
        ),
        "freeze": (
            "bot.operations.freeze",
            "freeze",
            "Lift a freeze where no two people can do it in Slack.",
        ),
        "restore": (
            "bot.operations.restore",
            "restore_command",
            "Put a backup into the data folder, on this machine or on another.",
        ),
    }
    """By name: the module, what it is called there, and its line of help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted([*self.commands, *self.late])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.late:
            return super().get_command(ctx, cmd_name)
        module, name, _ = self.late[cmd_name]
        found = getattr(importlib.import_module(module), name)
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._line(name)) for name in self.list_commands(ctx)])

    def _line(self, name: str) -> str:
        return self.late[name][2] if name in self.late else self.commands[name].get_short_help_str(70)


@click.group(cls=Late, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hyperv-checkpoint-bot", prog_name="checkpointbot")
@click.option("-v", "--verbose", is_flag=True, help="Log more.")
def main(verbose: bool) -> None:
    """Hyper-V checkpoints for a team, from its Slack channel."""
    from bot.operations.logs import FORMAT

    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format=FORMAT)
    logging.getLogger("bot.slack.websocket").setLevel(logging.INFO if verbose else logging.WARNING)


@main.command()
@config_option
@click.option("--wait/--no-wait", default=True, help="Wait for Slack where it is away at the start, or end with 1.")
def run(config: Path | None, wait: bool) -> None:
    """Run the bot against the hosts and the Slack workspace of the settings."""
    _be_small()
    from bot.operations import logs
    from bot.operations.reload import Reloadable
    from bot.operations.service import Notifier
    from bot.settings import gaps, load
    from bot.wiring import Bot

    manager = Notifier()

    def make(now: Settings) -> Bot:
        logs.write_as(now.log.format)
        return Bot(now, wait=wait, on_wait=manager.status)

    settings = _load(config)
    logs.write_as(settings.log.format)
    logging.getLogger("bot").setLevel(logging.INFO)
    _collect_seldom()
    with _held(settings.data_dir, jobs=settings.has_jobs_file):
        for line in gaps(settings):
            logging.getLogger("bot.settings").warning(line)
        with _told_plainly():
            bot = Reloadable(settings, lambda: load(config), make, _started)
        with _until_stopped(bot, manager, lambda: bot.alive, bot.reload):
            hosts = "1 host" if bot.hosts == 1 else f"{bot.hosts} hosts"
            click.echo(f"Checkpoint Bot is running for {hosts}. Ctrl-C ends it.", err=True)
            manager.ready(f"Takes commands for {hosts}.")


@main.command()
@click.option("--site", required=True, help="The site, as the bot's settings call it.")
@config_option
def worker(site: str, config: Path | None) -> None:
    """Serve the hosts of a site: carry out there what the bot asks of them, through the database."""
    from bot.operations import logs
    from bot.operations.service import Notifier
    from bot.settings import SettingsError, load_worker
    from bot.settings.kinds import is_site
    from bot.wiring import SiteWorker

    if not is_site(site):
        raise click.BadParameter("small letters, digits and hyphens, 30 at the most", param_hint="--site")
    try:
        settings = load_worker(config)
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(2) from error
    logs.write_as(settings.log.format)
    manager = Notifier()
    with _held(settings.data_dir, look=False):
        with _told_plainly():
            serving = SiteWorker(site, settings)
        with _until_stopped(serving, manager):
            hosts = "1 host" if len(settings.hosts) == 1 else f"{len(settings.hosts)} hosts"
            clusters = "1 cluster" if len(settings.clusters) == 1 else f"{len(settings.clusters)} clusters"
            hosts = f"{hosts} and {clusters}" if settings.clusters else hosts
            click.echo(f"The worker of {site} is running for {hosts}. Ctrl-C ends it.", err=True)
            manager.ready(f"Serves {hosts} of {site}.")


YOUNG, MIDDLE, OLD = 10_000, 5, 2
"""How seldom memory is looked through for what refers to itself and is needed no more: all threads stand still for as
long. A look at a host makes ten thousands of objects, and Python's own 700 would search among them time and again. What
has outlived one search is in every fifth of them, and the rest in every tenth: it keeps what it holds until then."""


TUNABLES = "glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0"
"""For glibc (`man ld.so`), which else gives each thread of many a part of memory of its own, and keeps for each what it
has freed: a quarter of a MiB in the end. A hundred hosts are two hundred threads, and nearly all of them wait."""


def _collect_seldom() -> None:
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def _be_small() -> None:
    """Where it is glibc that gives memory out, begin again, as the same process: it is told what to go by when a
    program begins. Whoever has told it something has the word."""
    is_program = Path(sys.argv[0]).stem == "checkpointbot"
    if is_program and platform.libc_ver()[0] == "glibc" and "GLIBC_TUNABLES" not in os.environ:
        os.environ["GLIBC_TUNABLES"] = TUNABLES
        with suppress(OSError):  # then it is larger, and else the same
            os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - itself


def _started(bot: Running) -> None:
    _settle()
    _look_soon(bot)


def _settle() -> None:
    """What is there now stays until the bot stops, and is not looked through again and again: that takes longer than
    any answer."""
    gc.unfreeze()  # what was there before the settings were read anew may go
    gc.collect()
    gc.freeze()
    gc.collect()  # it counts what is left to look through: else it would wait for a quarter of what stays


LOOK_AGAIN = 24 * 3600.0
"""Seconds. A certificate comes to its end while the bot runs, and people leave."""


def _look_soon(bot: Running) -> None:
    """The doctor's shorter form, at every start and each day. Slack answers some fifty such questions a minute: nobody
    waits."""
    threading.Thread(target=_look, args=(bot,), name="doctor", daemon=True).start()


def _look(bot: Running) -> None:
    """What it finds is in the log, and keeps nothing from running."""
    from bot.people.directory import LookupFailed

    told = logging.getLogger("bot.doctor")
    looking = True
    while looking:
        try:
            for check in bot.look():
                told.warning(check.line)
        except LookupFailed as failure:
            told.warning("The settings could not be looked at: %s", failure)
        looking = not bot.stops_within(LOOK_AGAIN)


@main.command()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), default=Path("demo-data"), show_default=True)
@click.option("--fresh", is_flag=True, help="Throw away what an earlier demo has left.")
@click.option("--port", type=click.IntRange(0, 65535), help="Of the page; 8025, or the next free one, when left out.")
@click.option("--cluster", is_flag=True, help="With a failover cluster of two nodes besides the hosts.")
@click.option("--restless", is_flag=True, help="With that cluster, whose nodes are drained in turn, so that VMs move.")
@click.option("--sites", is_flag=True, help="Reach the hosts through workers at two sites, over PostgreSQL.")
def demo(*, data: Path, fresh: bool, port: int | None, cluster: bool, restless: bool, sites: bool) -> None:
    """Simulated hosts, a local Slack workspace in the browser, and the bot between them, in one program."""
    click.echo("Starting the demo: two simulated hosts, a Slack workspace and the bot …")
    sys.stdout.flush()
    from bot.demo import Demo, check

    with _told_plainly():
        check(data)
    with _held(data, jobs=not sites):
        with _told_plainly():
            shown = Demo(data, fresh=fresh, port=port, cluster=cluster, restless=restless, sites=sites)
        with _until_stopped(shown):
            click.echo(shown.welcome())


@main.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("checkpointbot.yaml"),
    show_default=True,
    help="The settings file to write.",
)
@click.option(
    "--service",
    type=click.Choice(["systemd", "container", "windows"]),
    help="Write what a service manager needs instead: a unit, a Containerfile, or a script for the Task Scheduler.",
)
@click.option("--manifest", is_flag=True, help="Write the manifest of the Slack app for the settings instead.")
@click.option("--url", default="", help="Of a manifest in the mode http: where Slack reaches the bot, https://….")
@click.option("--monitoring", is_flag=True, help="Write alert rules of Prometheus and a Grafana dashboard instead.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default=True,
    help="The folder for these.",
)
def init(*, config: Path, service: str | None, manifest: bool, url: str, monitoring: bool, into: Path) -> None:
    """Write a commented settings file, or the app's manifest, or files for what runs and watches the bot."""
    if manifest:
        _write_manifest(config, url, into)
        return
    if service or monitoring:
        _write_beside(service, monitoring, into)
        return
    from bot.settings import init_text

    try:
        with config.open("x", encoding="utf-8") as file:
            file.write(init_text())
    except FileExistsError as error:
        raise click.ClickException(f"{config} is there already. Nothing was written; name another file.") from error
    except OSError as error:
        raise click.ClickException(f"{config} cannot be written: {error.strerror}.") from error
    click.echo(f"Wrote {config}. Fill in the tokens, the hosts and the grants, then: checkpointbot run")


def _write_manifest(config: Path, url: str, into: Path) -> None:
    """For the settings, where there are any yet."""
    from bot.operations import manifest
    from bot.settings import SettingsError, before_tokens

    path = into / manifest.NAME
    try:
        said = manifest.text(before_tokens(config if config.exists() else None), url and manifest.check_url(url))
        into.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(said)
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(2) from error
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from error
    except FileExistsError as error:
        raise click.ClickException(
            f"{path} is there already. Nothing was written; name another folder with --into."
        ) from error
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from error
    click.echo(f"Wrote {path}. Paste it at https://api.slack.com/apps, Create New App, From a manifest.")


def _write_beside(service: str | None, monitoring: bool, into: Path) -> None:
    from bot.operations import templates

    names = (*(templates.SERVICES[service] if service else ()), *(templates.MONITORING if monitoring else ()))
    try:
        written = templates.write(names, into)
    except OSError as error:
        raise click.ClickException(str(error)) from error
    for path in written:
        click.echo(f"Wrote {path}. Its first lines say what to do with it.")


@main.command()
@config_option
@click.option("--all", "every", is_flag=True, help="Show what works too.")
@click.option("--slack", "messages", is_flag=True, help="Let Slack look at every shape of message. It shows none.")
@click.option("--json", "as_json", is_flag=True, help="Show all of it as JSON.")
@click.pass_context
def doctor(ctx: click.Context, config: Path | None, every: bool, messages: bool, as_json: bool) -> None:
    """Look at what is set and whether it works, and say how to mend what does not. Nothing is changed.

    It looks at the tokens and their scopes, Socket Mode, every channel, person, group and pattern of the settings,
    every host, the data folder, the ledger and the jobs. The bot may be running. Exit code 1 where something does not
    work.
    """
    from bot.operations.doctor import ask, examine, logons_of
    from bot.wiring import caller_of, hosts_of

    settings = _load(config)
    if not ctx.find_root().params["verbose"]:
        logging.disable(logging.ERROR)  # all that is wrong is in the report
    backends, sites = hosts_of(settings), caller_of(settings)
    try:
        seen = ask(backends, logons=logons_of(settings))
        report = examine(settings, seen, messages=messages, workers=sites.workers if sites else None)
    finally:
        logging.disable(logging.NOTSET)
        for backend in backends.values():
            backend.close()
        if sites:
            sites.close()
    click.echo(report.to_json() if as_json else "\n".join(report.lines(every=every)))
    ctx.exit(0 if report.healthy else 1)


def _load(config: Path | None) -> Settings:
    from bot.settings import SettingsError, load

    try:
        return load(config)
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(2) from error


class Runs(Protocol):
    """What can be started and stopped."""

    def start(self, stopping: threading.Event) -> None:
        """It ends early where `stopping` is set meanwhile."""

    def stop(self) -> None: ...


@contextmanager
def _until_stopped(
    program: Runs,
    manager: Notifier | None = None,
    lives: Callable[[], bool] = lambda: True,
    reload: Callable[[], object] | None = None,
) -> Iterator[None]:
    """Start the program, run the block, and wait for Ctrl-C or another signal to end. The program is stopped whatever
    happens. The service `manager` is told that it lives; what there is to say to people stands in the log then, since
    standard output may be the audit stream's. With `reload`, SIGHUP does that instead of ending it."""
    asked_to_stop, asked_to_reload = threading.Event(), threading.Event()
    asked = _set_by_a_thread()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        event = asked_to_reload if name == "SIGHUP" and reload else asked_to_stop
        if number and signal.getsignal(number) is not signal.SIG_IGN:  # nohup, and a shell that puts it aside
            signal.signal(number, lambda *_, event=event: asked.put(event))
    try:
        with _told_plainly():
            program.start(asked_to_stop)
        if asked_to_stop.is_set():
            raise click.exceptions.Exit(0)
        yield
        while not asked_to_stop.wait(PULSE):
            if manager:
                manager.feed(lives)
            if reload and asked_to_reload.is_set():
                asked_to_reload.clear()
                _reload(reload, manager)
        click.echo("Stopping …", err=manager is not None)
        if manager:
            manager.stopping()
    finally:
        program.stop()


def _set_by_a_thread() -> SimpleQueue[threading.Event]:
    """Events to be set. A signal must not set one itself: it interrupts the thread that waits for the event, which may
    hold the event's lock at that moment, and both would stand still for ever."""
    asked: SimpleQueue[threading.Event] = SimpleQueue()

    def heed() -> None:
        while True:
            asked.get().set()

    threading.Thread(target=heed, name="signals", daemon=True).start()
    return asked


def _reload(reload: Callable[[], object], manager: Notifier | None) -> None:
    """On a thread of its own: it waits for Slack where that is away, and the watchdog is fed meanwhile."""
    if manager:
        manager.reloading()
    with ThreadPoolExecutor(1, thread_name_prefix="reload") as pool, _told_plainly():
        done = pool.submit(reload)
        while wait_for([done], timeout=0.5).not_done:
            if manager:
                manager.feed(lambda: True)
        read = done.result()
    if manager:
        manager.ready("The settings were read anew." if read else "The new settings are wrong: the old ones stay.")


@contextmanager
def _told_plainly() -> Iterator[None]:
    """What can be wrong outside the program is said in a sentence, without a traceback."""
    from bot.operations.folder import FolderError
    from bot.operations.reload import TROUBLE

    try:
        yield
    except (FolderError, *TROUBLE) as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def _held(folder: Path, *, look: bool = True, jobs: bool = True) -> Iterator[None]:
    """The data folder is this program's alone while the block runs."""
    from bot.operations.folder import held

    with ExitStack() as stack:
        with _told_plainly():
            stack.enter_context(held(folder, look=look, jobs=jobs))
        yield
