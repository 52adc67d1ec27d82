"""Webhooks: make one, tell of ended work, send what is due.

The rows are the truth, as with jobs: a delivery is claimed by one guarded UPDATE that raises its
number of attempts, so that it goes out however workers die, and seldom twice (the receiver knows a
repetition by ``Rafter-Delivery``).
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from annotation.addresses import refusal
from annotation.audit.models import Kind
from annotation.audit.services import tell
from annotation.fetching import Fetcher, FetchError, Forbidden, Limits, checked
from annotation.jobs.models import Job
from annotation.people.models import Person, Project
from annotation.version import code_version

from .models import EVENTS, Delivery, Webhook

State = Delivery.State
LIMITS = Limits(hosts=None, max_bytes=64 * 1024, connect_s=5.0, total_s=10.0, max_redirects=0)
MOST_PER_PROJECT = 10
MAX_ATTEMPTS = 8
FIRST_WAIT_S, FACTOR = 30, 4
"""Tried again after 30 s, 2 min, 8 min … 34 h: about two days in all."""
LEASE_S = 60
"""Longer than any attempt may take."""
KEPT_DAYS = 30
PING = "ping"


def create_webhook(
    project: Project, by: Person, url: str, events: Iterable[str] = ()
) -> tuple[Webhook, str]:
    """A webhook and its secret, which nobody sees again. Raises ``ValidationError``."""
    known = list(EVENTS.values())
    chosen = [event for event in known if event in set(events)] or known
    unknown = sorted(set(events) - set(known))
    if unknown:
        raise ValidationError({"events": f"{', '.join(unknown)}: known are {', '.join(known)}."})
    _check_address(url)
    if project.webhooks.count() >= MOST_PER_PROJECT:
        raise ValidationError({"url": f"A project has at most {MOST_PER_PROJECT} webhooks."})
    nonce = secrets.token_hex(32)
    with transaction.atomic():
        made = Webhook.objects.create(
            project=project, created_by=by, url=url, events=chosen, nonce=nonce
        )
        told = ", ".join(chosen)
        tell(Kind.JOBS, "added a webhook", project=project, subject=url[:200], after=told)
    return made, secret_of(made)


def delete_webhook(webhook: Webhook) -> None:
    """Tell an address nothing more; what was sent to it is forgotten."""
    with transaction.atomic():
        tell(Kind.JOBS, "removed a webhook", project=webhook.project_id, subject=webhook.url[:200])
        webhook.delete()


def secret_of(webhook: Webhook) -> str:
    """What its messages are signed with: made of the row and of the server's ``SECRET_KEY``."""
    digest = salted_hmac("annotation.webhooks", webhook.nonce, algorithm="sha256").digest()
    return "whsec_" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def signature(secret: str, body: bytes, at: int) -> str:
    """``t=<seconds>,v1=<hex>``: HMAC-SHA-256 of the time, a dot and the body.

    The time is signed too, so that nobody can play an old message again.
    """
    told = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={told}"


def ping(webhook: Webhook) -> Delivery:
    """A message that only tries the address."""
    tell(Kind.JOBS, "tried a webhook", project=webhook.project_id, subject=webhook.url[:200])
    body = {"event": PING, "project": webhook.project.slug, "message": "This address works."}
    return Delivery.objects.create(webhook=webhook, event=PING, body=_json(body))


def send_again(delivery: Delivery) -> None:
    """Try an ended delivery anew, as if it had never been tried."""
    webhook = delivery.webhook
    tell(
        Kind.JOBS,
        "sent again",
        project=webhook.project_id,
        subject=f"{delivery.event} {delivery.pk}",
    )
    ended = Delivery.objects.filter(pk=delivery.pk).exclude(state=State.WAITING)
    ended.update(state=State.WAITING, n_attempts=0, next_at=Now(), answer="", ended_at=None)
    delivery.refresh_from_db()


def note_ended_work() -> int:
    """A delivery for every webhook and every job that ended since, once; how many were made."""
    n = 0
    for webhook in Webhook.objects.select_related("project"):
        for job in _untold(webhook):
            event = event_of(job)
            try:
                with transaction.atomic():
                    Delivery.objects.create(
                        webhook=webhook, job=job, event=event, body=_json(message_of(job, event))
                    )
                n += 1
            except IntegrityError:  # another worker noted it
                continue
    return n


def event_of(job: Job) -> str:
    """``release.finished``, ``run.failed`` and so on."""
    how = "finished" if job.state == Job.State.SUCCEEDED else "failed"
    return f"{EVENTS[job.kind]}.{how}"


def message_of(job: Job, event: str) -> dict[str, Any]:
    """What a receiver is told of a job: enough to ask the API for the rest."""
    return {
        "event": event,
        "project": job.project.slug,
        "job": job.pk,
        "at": job.finished_at.isoformat() if job.finished_at else None,
        "message": job.message,
        "result": job.result or {},
    }


def send_due(fetcher: Fetcher | None = None) -> int:
    """Send every delivery that is due, one after another; how many were tried."""
    asking = fetcher or Fetcher(LIMITS, agent=f"Rafter/{code_version()} (webhooks)")
    due = Delivery.objects.filter(state=State.WAITING, next_at__lte=Now())
    n = 0
    try:
        for delivery in list(due.select_related("webhook").order_by("next_at")[:200]):
            n += _try(delivery, asking)
    finally:
        asking.close()
    return n


def forget_old() -> None:
    """Throw away what ended a month ago."""
    Delivery.objects.filter(ended_at__lt=Now() - timedelta(days=KEPT_DAYS)).delete()


def _untold(webhook: Webhook) -> Iterable[Job]:
    """Ended jobs that the webhook wants to hear of and has not heard of in their present state."""
    kinds = [kind for kind, event in EVENTS.items() if event in webhook.events]
    told = Delivery.objects.filter(webhook=webhook, job=OuterRef("pk"))
    jobs = Job.objects.filter(
        project=webhook.project_id,
        kind__in=kinds,
        finished_at__gte=webhook.created_at,
        finished_at__gt=Now() - timedelta(days=KEPT_DAYS - 1),
    ).select_related("project")
    for state, how in ((Job.State.SUCCEEDED, ".finished"), (Job.State.FAILED, ".failed")):
        yield from jobs.filter(~Exists(told.filter(event__endswith=how)), state=state)


def _try(delivery: Delivery, fetcher: Fetcher) -> bool:
    """One attempt at one delivery; False where another worker has it."""
    mine = Delivery.objects.filter(
        pk=delivery.pk, state=State.WAITING, n_attempts=delivery.n_attempts
    )
    if not mine.update(n_attempts=F("n_attempts") + 1, next_at=Now() + timedelta(seconds=LEASE_S)):
        return False
    attempt = delivery.n_attempts + 1
    state, answer, wait = _attempt(delivery, fetcher, attempt)
    ended = None if state == State.WAITING else Now()
    Delivery.objects.filter(pk=delivery.pk, state=State.WAITING, n_attempts=attempt).update(
        state=state,
        answer=answer[:300],
        next_at=Now() + timedelta(seconds=wait),
        ended_at=ended,
    )
    return True


def _attempt(delivery: Delivery, fetcher: Fetcher, attempt: int) -> tuple[str, str, float]:
    """State, what was answered, and the seconds until the next attempt if there is one."""
    body, at = delivery.body.encode(), int(time.time())
    headers = {
        "Content-Type": "application/json",
        "Rafter-Event": delivery.event,
        "Rafter-Delivery": str(delivery.pk),
        "Rafter-Signature": signature(secret_of(delivery.webhook), body, at),
    }
    try:
        status = fetcher.post(delivery.webhook.url, body, headers).status
        if 200 <= status < 300:
            return State.DELIVERED, str(status), 0
        answer = f"status {status}"
    except Forbidden as error:
        return State.GIVEN_UP, str(error), 0
    except FetchError as error:
        answer = str(error)
    if attempt >= MAX_ATTEMPTS:
        return State.GIVEN_UP, answer, 0
    return State.WAITING, answer, FIRST_WAIT_S * FACTOR ** (attempt - 1)


def _check_address(url: str) -> None:
    """Refuse at once what would never be dialled; names are looked up at each delivery."""
    try:
        host = checked(url, LIMITS).hostname or ""
    except Forbidden as error:
        raise ValidationError({"url": f"This address cannot be told: {error}."}) from None
    looks_numeric = ":" in host or host.replace(".", "").isdigit()
    if looks_numeric and (why := refusal(host)):
        raise ValidationError({"url": f"This address cannot be told: {host} is {why}."})


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, sort_keys=True)
