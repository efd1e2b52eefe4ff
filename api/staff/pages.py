"""The portal's own pages: signing in, and a sentence about what went wrong."""

from __future__ import annotations

from html import escape

CONTENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)

OVERVIEW = "/staff/overview"

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 22rem; margin: 12vh auto; }}
body {{ padding: 0 1rem; }}
h1 {{ font-size: 1.3rem; }}
label {{ display: block; margin: .8rem 0 .2rem; }}
input {{ width: 100%; box-sizing: border-box; font: inherit; padding: .5rem; }}
button {{ margin-top: 1.2rem; width: 100%; font: inherit; padding: .6rem; cursor: pointer; }}
p[role=alert] {{ color: #b91c1c; }}
@media (prefers-color-scheme: dark) {{ p[role=alert] {{ color: #fca5a5; }} }}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""

_LOGIN = """\
<h1>Rialto staff</h1>
{alert}
<form method="post" action="/staff/login">
<input type="hidden" name="next" value="{target}">
<label for="login">Login</label>
<input id="login" name="login" autocomplete="username" autofocus required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<label for="code">Code from your authenticator</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required>
<button>Sign in</button>
</form>
"""


def login_page(target: str, message: str = "") -> str:
    alert = f'<p role="alert">{escape(message)}</p>' if message else ""
    body = _LOGIN.format(alert=alert, target=escape(target, quote=True))
    return _PAGE.format(title="Sign in", body=body)


def message_page(title: str, message: str) -> str:
    body = f"<h1>{escape(title)}</h1>\n<p>{escape(message)}</p>"
    return _PAGE.format(title=escape(title), body=body)


def safe_target(target: str, default: str) -> str:
    """Where to go after signing in: a path of ours, never another site."""
    is_ours = target.startswith("/") and not target.startswith(("//", "/\\", "/staff/"))
    is_ours |= target == OVERVIEW
    return target if is_ours and target.isprintable() else default
