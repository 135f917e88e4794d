"""A database that isn't at the schema of LiteLLM, made on the real one: the doctor names it."""

from collections.abc import Iterator

import pytest

from tests.doctor.fault import is_healthy, says
from tests.doctor.ward import NO_IMAGE, Ward

ADDS_A_COLUMN = "20250327180120_add_api_requests_to_daily_user_table"
TABLE = 'alter table "LiteLLM_DailyUserSpend{}" rename to "LiteLLM_DailyUserSpend{}"'
FINISHED = "update _prisma_migrations set finished_at = {} where migration_name = '{}'"
COLUMN = 'alter table "LiteLLM_VerificationToken" rename column {} to {}'


def assert_healthy(ward: Ward) -> None:
    verdict = ward.examine_until(is_healthy)
    assert is_healthy(verdict), (verdict.roots, verdict.weak, verdict.unknown)


@pytest.fixture
def unmigratable(ward: Ward) -> Iterator[Ward]:
    """Note a migration as begun and not as finished, and take the table away that it changes."""
    ward.sql(FINISHED.format("null", ADDS_A_COLUMN))
    ward.sql(TABLE.format("", "OfBefore"))
    try:
        yield ward
    finally:
        ward.sql(TABLE.format("OfBefore", ""))
        ward.sql(FINISHED.format("now()", ADDS_A_COLUMN))
        ward.take_migration_away()
    assert_healthy(ward)


def test_a_migration_that_fails_is_named(unmigratable: Ward) -> None:
    unmigratable.migrate_again()
    cause = "a migration of the database has failed"
    verdict = unmigratable.examine_until(lambda verdict: says(verdict, cause))
    assert says(verdict, cause), (verdict.roots, verdict.weak, verdict.unknown)
    assert ADDS_A_COLUMN in verdict.roots[0].finding.evidence


def test_a_migration_that_was_given_up_is_named(unmigratable: Ward) -> None:
    """Its Pod is gone, and the log with it."""
    unmigratable.migrate_again(retries=0)
    cause = "has failed, and isn't tried again"
    verdict = unmigratable.examine_until(lambda verdict: says(verdict, cause))
    assert says(verdict, cause), (verdict.roots, verdict.weak, verdict.unknown)


def test_a_database_at_another_schema_is_named(ward: Ward) -> None:
    """As a restored backup of an older version is."""
    ward.sql(COLUMN.format("rotation_count", "rotation_count_of_before"))
    try:
        cause = "the database isn't at the schema of the LiteLLM that runs"
        verdict = ward.examine_until(lambda verdict: says(verdict, cause))
        assert says(verdict, cause), (verdict.roots, verdict.weak, verdict.unknown)
    finally:
        ward.sql(COLUMN.format("rotation_count_of_before", "rotation_count"))
    assert_healthy(ward)


def test_an_image_that_nobody_migrated_with_is_named(ward: Ward) -> None:
    ward.patch_container(image=NO_IMAGE, imagePullPolicy="Never")
    try:
        seen = {finding.cause for root in ward.examine().roots for finding in root.followers}
        seen |= {finding.cause for finding in ward.examine().weak}
        assert "the database is at the schema of another image than the one that runs" in seen
    finally:
        ward.restore_template()
    assert_healthy(ward)
