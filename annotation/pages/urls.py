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
    webhooks,
)

urlpatterns = [
    path("", include(module.urlpatterns))
    for module in (
        home,
        account,
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
        webhooks,
        jobs,
        audit,
    )
]
