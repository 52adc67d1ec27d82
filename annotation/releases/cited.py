"""How a release is cited, and how a script brings it home: words for its page."""

from django.utils.text import slugify

from .models import Release

PAPER = (
    "Shan Li, Weihong Deng, JunPing Du: Reliable Crowdsourcing and Deep Locality-Preserving "
    "Learning for Expression Recognition in the Wild. CVPR 2017."
)
_SPECIAL = {c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}"}
_FIGURE = str.maketrans(_SPECIAL | {"^": r"\textasciicircum{}"})


def reference(release: Release, address: str) -> str:
    """One sentence that names the release so that anybody finds this very version."""
    return (
        f"{release.project.name}, release {release.version} ({release.created_at.year}). {address}"
        f" (manifest SHA-256 {release.manifest_digest[:16]}…). After: {PAPER}"
    )


def bibtex(release: Release, address: str) -> str:
    """Two entries: the release, and the paper whose method made it."""
    name = release.project.name.translate(_FIGURE)
    key = slugify(f"{release.project.slug}-{release.version.replace('.', '-')}")
    return f"""@misc{{{key},
  title        = {{{{{name}}}, release {release.version}}},
  author       = {{{{{name}}}}},
  year         = {{{release.created_at.year}}},
  version      = {{{release.version}}},
  howpublished = {{\\url{{{address}}}}},
  note         = {{Manifest SHA-256 {release.manifest_digest}}}
}}

@inproceedings{{li2017reliable,
  title     = {{Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression
               Recognition in the Wild}},
  author    = {{Li, Shan and Deng, Weihong and Du, JunPing}},
  booktitle = {{IEEE Conference on Computer Vision and Pattern Recognition (CVPR)}},
  year      = {{2017}}
}}
"""


def script(address: str, name: str, sha256: str, agent: str) -> str:
    """Twenty lines of Python that bring an archive home, go on where they stopped, and check it."""
    return f'''import hashlib, pathlib, time, urllib.error, urllib.request

URL = "{address}"
TOKEN = "rafter_…"  # {agent} makes one under Account and tokens
FILE, SHA256 = pathlib.Path("{name}"), "{sha256}"

headers = {{"Authorization": f"Bearer {{TOKEN}}", "If-Range": f'"{{SHA256}}"'}}
while True:
    have = FILE.stat().st_size if FILE.exists() else 0
    request = urllib.request.Request(URL, headers=headers | {{"Range": f"bytes={{have}}-"}})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer, FILE.open("ab") as file:
            while piece := answer.read(1 << 20):
                file.write(piece)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is left to fetch
            break
        raise SystemExit(error.read().decode())  # it says why: no token, no agreement, withdrawn
    except OSError:
        time.sleep(5)  # the line broke: go on from here
with FILE.open("rb") as file:
    assert hashlib.file_digest(file, "sha256").hexdigest() == SHA256, "delete it and start again"
'''
