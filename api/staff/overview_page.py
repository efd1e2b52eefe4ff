"""The staff page: saved views, treasury, reconciliation, queues. It shows; it decides nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from html import escape
from urllib.parse import quote

from api.staff.figures import Overview
from api.staff.views import VIEWS
from storage.staff import StaffSession
from storage.staff_figures import Listener, Reconciled, Treasury, Waiting

_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#e3ded3, #263036); }
:root { --ink: light-dark(#14181a, #f1eee7); --soft: light-dark(#5b6266, #a4adb1); }
:root { --paper: light-dark(#f8f6f1, #0c1012); --surface: light-dark(#ffffff, #12181b); }
:root { --bad: light-dark(#b8283d, #ff7d8b); --good: light-dark(#0a7548, #45d08f); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); }
body { font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 2rem clamp(1rem, 3vw, 2rem) 4rem; }
header { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 1rem; }
header p { margin: .2rem 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; letter-spacing: -.02em; }
h2 { font-size: 1.1rem; margin: 0 0 .6rem; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; }
section { padding: 1.2rem; margin-top: 1rem; overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 500; font-size: .85rem; text-align: start; }
th, td { padding: .45rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
.end { text-align: end; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
.soft { color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: .5rem; }
nav a { border: 1px solid var(--line); border-radius: 8px; padding: .4rem .8rem; color: inherit; }
nav a { text-decoration: none; background: var(--surface); }
nav a:hover { border-color: var(--soft); }
button { font: inherit; color: inherit; background: none; border: 0; text-decoration: underline; }
"""
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
OVERVIEW_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rialto staff</title>
<style>{style}</style>
</head>
<body>
<main>
<header>
<div><h1>Rialto staff</h1>
<p class="soft">As of {at} UTC. Decisions are made in the Temporal UI.</p></div>
<form method="post" action="/staff/logout"><span class="soft">{who}</span>
<button>Sign out</button></form>
</header>
<nav aria-label="Saved views">{views}</nav>
{sections}
</main>
</body>
</html>
"""


def overview_page(staff: StaffSession, overview: Overview, namespace: str) -> str:
    sections = [
        _treasury(overview.figures.treasury),
        _reconciled(overview.figures.reconciliation),
        _queues(overview),
        _workflows(overview),
        _waiting(overview.figures.waiting),
        _listeners(overview.figures.listeners),
    ]
    return _PAGE.format(
        style=_STYLE,
        at=f"{overview.at:%Y-%m-%d %H:%M:%S}",
        who=escape(f"{staff.login}, {str(staff.role).replace('_', ' ')}"),
        views=_views(staff, namespace),
        sections="\n".join(sections),
    )


def _views(staff: StaffSession, namespace: str) -> str:
    """The saved views that the Temporal UI shows to this role."""
    start = f"/namespaces/{namespace}/workflows"
    links = [("All workflows", start)] + [
        (name, f"{start}?query={quote(query)}") for name, query in VIEWS[staff.role].items()
    ]
    return "".join(f'<a href="{escape(href)}">{escape(name)}</a>' for name, href in links)


def _treasury(rows: Sequence[Treasury]) -> str:
    heads = ("asset", ">hot", ">low below", ">target", ">warm", ">cold", ">not swept", ">owed",
             "covered", ">refills", "withdrawals")  # fmt: skip
    return _section("Treasury", heads, [
        [
            _text(each.asset), _figure(each.hot, bad=each.is_low), _figure(each.hot_low),
            _figure(each.hot_target), _figure(each.warm), _figure(each.cold), _figure(each.unswept),
            _figure(each.owed), _verdict("yes" if each.covered else "NO", good=each.covered),
            _figure(each.refills), _verdict(each.paused or "on", good=not each.paused),
        ]
        for each in rows
    ])  # fmt: skip


def _reconciled(rows: Sequence[Reconciled]) -> str:
    heads = ("asset", ">ledger", ">chain", ">difference", "compared")
    return _section("Reconciliation", heads, [
        [
            _text(each.asset), _figure(each.ledger), _figure(each.chain),
            _figure(each.difference, bad=each.difference != "0"), _time(each.at),
        ]
        for each in rows
    ])  # fmt: skip


def _queues(overview: Overview) -> str:
    heads = ("queue", "kind", ">processes", ">waiting", ">oldest")
    return _section("Task queues", heads, [
        [
            _text(each.name), _text(each.kind), _figure(each.pollers, bad=each.pollers == 0),
            _figure(each.backlog), _figure(each.backlog_age),
        ]
        for each in overview.queues
    ], overview.temporal)  # fmt: skip


def _workflows(overview: Overview) -> str:
    rows = [
        [_text(name), _figure(count, bad=name == "failed" and count > 0)]
        for name, count in overview.workflows.items()
    ]
    return _section("Workflows", ("state", ">number"), rows, overview.temporal)


def _waiting(rows: Sequence[Waiting]) -> str:
    cells = [[_text(each.what), _figure(each.number), _time(each.oldest)] for each in rows]
    return _section("Waiting", ("what", ">number", "oldest"), cells)


def _listeners(rows: Sequence[Listener]) -> str:
    heads = ("chain", ">height", ">blocks behind", "state", "heard")
    return _section("Chains", heads, [
        [
            _text(each.chain), _figure(each.height),
            _figure("?" if each.behind is None else each.behind, bad=bool(each.behind)),
            _verdict(each.halted or "follows", good=not each.halted), _time(each.updated_at),
        ]
        for each in rows
    ])  # fmt: skip


def _section(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], instead: str = ""
) -> str:
    """`>` before a head: the column is of figures. `instead`: why there are no rows."""
    if not rows:
        said = escape(instead or "nothing")
        return f'<section><h2>{title}</h2><p class="soft">{said}</p></section>'
    head = "".join(
        f'<th scope="col"{" class=end" if each.startswith(">") else ""}>{each.lstrip(">")}</th>'
        for each in heads
    )
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (
        f'<section tabindex="0" aria-label="{title}"><h2>{title}</h2><table><thead><tr>{head}</tr>'
        f"</thead><tbody>{body}</tbody></table></section>"
    )


def _text(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _figure(figure: object, *, bad: bool = False) -> str:
    return f'<td class="end{" bad" if bad else ""}">{escape(str(figure))}</td>'


def _verdict(text: str, *, good: bool) -> str:
    return f'<td class="{"good" if good else "bad"}">{escape(text)}</td>'


def _time(at: datetime | None) -> str:
    return f'<td class="soft">{"" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"}</td>'
