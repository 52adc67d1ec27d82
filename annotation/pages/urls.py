"""Addresses of the HTML pages; each module lists its own."""

from django.urls import include, path

from . import (
    account,
    agreements,
    assignment,
    audit,
    checks,
    coding,
    collecting,
    described,
    estimates,
    faces,
    home,
    images,
    invitations,
    jobs,
    labelling,
    learning,
    lessons,
    own,
    people,
    release_builder,
    releases,
    runs,
    takedowns,
    votes,
    watching,
    webhooks,
)

urlpatterns = [
    path("", include(module.urlpatterns))
    for module in (
        home,
        account,
        invitations,
        people,
        images,
        collecting,
        faces,
        coding,
        described,
        labelling,
        learning,
        lessons,
        checks,
        assignment,
        own,
        estimates,
        agreements,
        release_builder,
        releases,
        runs,
        takedowns,
        votes,
        watching,
        webhooks,
        jobs,
        audit,
    )
]
