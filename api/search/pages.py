"""The explorer as HTML: plain pages that work without scripts. Everything shown is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import quote, urlencode

from pydantic import BaseModel

from api.search.desk import Facet, Found, SearchResult
from api.search.query import Sort

CONTENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Rialto</title>
<style>
:root {{ color-scheme: light dark; --quiet: #667085; --line: #8884; --mark: #fde68a; }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem; }}
header, form {{ display: flex; gap: .6rem; flex-wrap: wrap; align-items: center; }}
header a {{ font-weight: 600; text-decoration: none; color: inherit; }}
input, select, button {{ font: inherit; padding: .4rem .6rem; }}
input[type=search] {{ flex: 1 1 20rem; }}
table {{ width: 100%; border-collapse: collapse; margin: 1rem 0; }}
th, td {{ text-align: left; padding: .4rem .5rem; border-bottom: 1px solid var(--line); }}
th {{ font-weight: 500; color: var(--quiet); }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
.hash {{ font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }}
.quiet {{ color: var(--quiet); }}
.facets a {{ display: inline-block; margin: 0 .8rem .3rem 0; }}
mark {{ background: var(--mark); color: #111; }}
.wide {{ overflow-x: auto; }}
</style>
</head>
<body>
<header><a href="/search">Rialto explorer</a>
<form action="/search" role="search">
<input type="search" name="q" value="{q}" maxlength="200" aria-label="Search"
 placeholder="Transaction, address, block, order, or words">
<button>Search</button>
</form>
</header>
<main>
{body}
</main>
<footer class="quiet">{lag}</footer>
</body>
</html>
"""

_COLUMNS = ("Kind", "What", "Status", "Amount", "Time")


def result_page(result: SearchResult, q: str, parameters: Mapping[str, str]) -> str:
    total = f"{'' if result.total.is_exact else 'more than '}{result.total.value} found"
    rows = "\n".join(_row(each) for each in result.data)
    body = [f"<p class='quiet'>{total} · {_sorting(parameters)}</p>"]
    if result.facets:
        body.append(_facets(result.facets, parameters))
    if rows:
        head = "".join(f"<th scope='col'>{name}</th>" for name in _COLUMNS)
        body.append(f"<div class='wide'><table><tr>{head}</tr>{rows}</table></div>")
    if result.next_cursor is not None:
        target = _link(parameters, cursor=result.next_cursor)
        body.append(f"<p><a rel='next' href='{target}'>Next page</a></p>")
    return _page(f"Search {q}" if q else "Search", "\n".join(body), result.lag_ms, q)


def record_page(title: str, record: BaseModel) -> str:
    """Any record: its fields as a table, the lists in it as tables below.

    Each list says under its name what it holds, as the API's description does.
    """
    values = record.model_dump(exclude={"lag_ms"})
    plain, tables = _flatten(values)
    body = [f"<h1>{escape(title)}</h1>", _fields(plain)]
    for name, rows in tables:
        body.append(f"<h2>{_words(name)}</h2>")
        about = type(record).model_fields[name].description
        if about:
            body.append(f"<p class='quiet'>{escape(about)}</p>")
        body.append(_table(rows) if rows else "<p class='quiet'>None</p>")
    lag_ms = getattr(record, "lag_ms", None)
    return _page(title, "\n".join(body), lag_ms, "")


def message_page(title: str, message: str) -> str:
    return _page(title, f"<h1>{escape(title)}</h1><p>{escape(message)}</p>", None, "")


def _page(title: str, body: str, lag_ms: int | None, q: str) -> str:
    lag = "" if lag_ms is None else f"This view is at most {lag_ms / 1000:.1f} s behind."
    return _PAGE.format(title=escape(title), body=body, lag=lag, q=escape(q, quote=True))


def _row(found: Found) -> str:
    what = found.highlight.get("text") or escape(_what(found))
    mine = " · yours" if found.is_mine else ""
    amount = escape(f"{found.amount} {found.asset}") if found.amount else ""
    return (
        f"<tr><td>{escape(found.kind)}{mine}</td>"
        f"<td class='hash'><a href='{_path(found.page)}'>{what}</a></td>"
        f"<td>{escape((found.status or '').replace('_', ' '))}</td>"
        f"<td class='number'>{amount}</td>"
        f"<td><time datetime='{found.time}'>{found.time[:19].replace('T', ' ')}</time></td></tr>"
    )


def _what(found: Found) -> str:
    if found.kind == "trade":
        return f"{found.market} {found.side} at {found.price}"
    if found.kind == "order":
        return f"{found.market} {found.side} {found.id}"
    return found.txid or found.block_hash or found.id


def _facets(facets: Mapping[str, list[Facet]], parameters: Mapping[str, str]) -> str:
    lines = []
    for name, values in facets.items():
        links = " ".join(
            f"<a href='{_link(parameters, **{name: each.value})}'>{escape(each.value)}"
            f" <span class='quiet'>{each.count}</span></a>"
            for each in values
        )
        if links:
            lines.append(f"<div class='facets'><span class='quiet'>{name}</span> {links}</div>")
    return "\n".join(lines)


def _sorting(parameters: Mapping[str, str]) -> str:
    chosen = parameters.get("sort", Sort.NEWEST)
    return " · ".join(
        f"<strong>{each}</strong>"
        if each == chosen
        else f"<a href='{_link(parameters, sort=each)}'>{each}</a>"
        for each in Sort
    )


def _link(parameters: Mapping[str, str], **changes: str) -> str:
    kept = {key: value for key, value in parameters.items() if key != "cursor"}
    return "/search?" + escape(urlencode(kept | changes), quote=True)


def _path(path: str) -> str:
    return escape(quote(path, safe="/:"), quote=True)


def _flatten(
    values: Mapping[str, object],
) -> tuple[dict[str, object], list[tuple[str, list[dict[str, object]]]]]:
    plain: dict[str, object] = {}
    tables: list[tuple[str, list[dict[str, object]]]] = []
    for name, value in values.items():
        if isinstance(value, list):
            tables.append((name, value))
        elif isinstance(value, dict):
            plain |= value
        elif value is not None and name != "next_cursor":
            plain[name] = value
    return plain, tables


def _fields(plain: Mapping[str, object]) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{_words(name)}</th><td class='hash'>{_linked(name, value, plain)}"
        "</td></tr>"
        for name, value in plain.items()
    )
    return f"<div class='wide'><table>{rows}</table></div>"


def _table(rows: Iterable[Mapping[str, object]]) -> str:
    shown = list(rows)
    names = [name for name in shown[0] if any(row[name] is not None for row in shown)]
    head = "".join(f"<th scope='col'>{_words(name)}</th>" for name in names)
    lines = "".join(
        "<tr>"
        + "".join(f"<td class='hash'>{_linked(name, row[name], row)}</td>" for name in names)
        + "</tr>"
        for row in shown
    )
    return f"<div class='wide'><table><tr>{head}</tr>{lines}</table></div>"


_LINKS = {
    "txid": "/explorer/transactions/{chain}/{txid}",
    "address": "/explorer/addresses/{chain}/{address}",
    "hash": "/explorer/blocks/{chain}/{hash}",
    "block_hash": "/explorer/blocks/{chain}/{block_hash}",
    "parent_hash": "/explorer/blocks/{chain}/{parent_hash}",
}


def _linked(name: str, value: object, row: Mapping[str, object]) -> str:
    if value is None or value == "":
        return ""
    text = escape(str(value))
    if name in _LINKS and "chain" in row:
        return f"<a href='{_path(_LINKS[name].format_map(dict(row)))}'>{text}</a>"
    return text


def _words(name: str) -> str:
    return escape(name.removeprefix("is_").replace("_", " ").capitalize())
