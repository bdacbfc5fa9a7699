"""What an anatomist can do: take a message apart, classify it, make it safe to look at. Loaded in the zygote, done in
the jail, on hostile octets."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.anatomy.examine import examine
from gateway.anatomy.preview import preview
from gateway.checks.anatomist.harvest import Harvest
from gateway.checks.anatomist.wire import Examination, JobReceived, Kind, Studied
from gateway.checks.anatomist.work import Dissected, Work
from gateway.checks.leaves import Wanted
from gateway.checks.malware.yara import Rules
from gateway.facts.content import Anatomy, SpamFact, YaraFact
from gateway.facts.outcome import Known, Outcome, Skipped, Unknown
from gateway.spam.fingerprint import fingerprint_of

if TYPE_CHECKING:
    from gateway.spam.model import Model

NO_MODEL: Final = "no model"
NO_RULES: Final = Skipped("there are no YARA rules")


def prepare(model: Path | None, rules: bytes = b"", *, layer: Path | None = None) -> Work:
    """Load everything that a job may need: nothing can be imported or opened later. `rules` are compiled ones, `layer`
    is the folder of the site's layer over the model."""
    for package in ("encodings", "gateway.anatomy"):
        _import_all(package)
    classifier, problem = _load(model, layer)
    searcher = Rules(rules) if rules else None
    work = Work(lambda job: _do(job, classifier, problem, searcher), problem)
    work.do(JobReceived(Kind.EXAMINE, 0, _SPECIMEN))
    work.do(JobReceived(Kind.PREVIEW, 0, _SPECIMEN))
    if classifier is not None:
        work.do(JobReceived(Kind.STUDY, 0, _SPECIMEN))
    return work


def _do(job: JobReceived, classifier: Model | None, problem: str, rules: Rules | None) -> Any:
    if job.kind is Kind.PREVIEW:
        return preview(job.octets)
    if job.kind is Kind.STUDY:
        return _study(classifier, examine(job.octets), problem)
    matches: list[str] = []
    harvest = Harvest(job.wanted)

    def watch(octets: bytes) -> None:
        harvest.take(octets)
        if rules is not None:
            matches.extend(rules.search(octets))

    anatomy = examine(job.octets, watch=watch)
    found: Outcome[YaraFact] = Known(rules.fact(matches)) if rules else NO_RULES
    examination = Examination(
        Known(anatomy.content),
        _judge(classifier, anatomy, problem),
        found,
        fingerprint=tuple(fingerprint_of(anatomy).tolist()),
    )
    if job.wanted is Wanted.NONE:
        return examination
    leaves = harvest.chosen(anatomy.content)
    return Dissected(examination, leaves, harvest.left_out)


def _judge(classifier: Model | None, anatomy: Anatomy, problem: str) -> Outcome[SpamFact]:
    if classifier is None:
        return Unknown(problem)
    try:
        return Known(classifier.judge(anatomy))
    except Exception as raised:  # noqa: BLE001 - the content is known all the same; this fact alone is not
        return Unknown(f"classifier failed: {type(raised).__name__}")


def _study(classifier: Model | None, anatomy: Anatomy, problem: str) -> Studied:
    if classifier is None:
        raise LookupError(problem)
    return Studied(*classifier.study(anatomy), tuple(fingerprint_of(anatomy).tolist()))


def _load(folder: Path | None, layer: Path | None) -> tuple[Model | None, str]:
    """The classifier, and what is wrong. Without a layer that it may trust, the model serves alone."""
    if folder is None:
        return None, NO_MODEL
    from gateway.spam.layer import read
    from gateway.spam.model import Model, ModelError

    try:
        model = Model.load(folder)
    except (ModelError, OSError) as error:
        return None, f"model refused: {error}"
    try:
        return (model if layer is None else model.over_it(read(layer, base=model.manifest.sha256))), ""
    except (ModelError, OSError) as error:
        return model, f"what was taught here is refused: {error}"


def _import_all(package: str) -> None:
    """Every module of a package, those too that are otherwise imported at first use."""
    found = importlib.import_module(package)
    for module in pkgutil.walk_packages(found.__path__, f"{package}."):
        try:
            importlib.import_module(module.name)
        except ImportError:
            if package != "encodings":  # that one holds codecs of other operating systems
                raise


# One message through every reader, so that what imports at first use has been used once.
_SPECIMEN: Final = (
    b"From: =?utf-8?q?Ren=C3=A9e?= <renee@xn--bcher-kva.example>\r\nReply-To: a@example.org\r\n"
    b"Subject: =?iso-8859-15?b?pA==?=\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain; charset=windows-1252\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Gr=FC=DFe http://b\xc3\xbccher.example/\r\n"
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b'<p style="display:none">x</p><a href="https://xn--bcher-kva.example/">b</a><img src="cid:1"><form></form>\r\n'
    b'--b\r\nContent-Type: application/zip; name="a.zip"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    b"UEsDBBQAAAAIAAAAIQDOi28mBQAAABQAAAAFAAAAYS50eHRLTMQEAFBLAQIUAxQAAAAIAAAAIQDO\r\n"
    b"i28mBQAAABQAAAAFAAAAAAAAAAAAAACAAQAAAABhLnR4dFBLBQYAAAAAAQABADMAAAAoAAAAAAA=\r\n"
    b"--b--\r\n"
)
