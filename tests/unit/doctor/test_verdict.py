"""One cause first, and what follows from it after it."""

from dataclasses import replace

from doctor.model import Finding, Link, broken, unknown, weak, whole
from doctor.verdict import judge

LINKS = (
    Link("vault", "Vault", "", lambda _: ()),
    Link("role", "Role", "", lambda _: (), needs=("vault",)),
    Link("store", "Store", "", lambda _: (), needs=("role",)),
    Link("gateway", "Gateway", "", lambda _: ()),
)


def ill(link: str, *scope: str) -> Finding:
    return replace(broken(link, "seen", cause=f"{link} is broken", cure="mend it", scope=scope), link=link)


def test_what_leans_on_a_broken_link_follows_from_it() -> None:
    [root] = judge([ill("vault"), ill("role"), ill("store")], LINKS).roots
    assert root.finding.link == "vault"
    assert [finding.link for finding in root.followers] == ["role", "store"]


def test_what_is_weak_for_a_broken_link_follows_from_it_too() -> None:
    late = replace(weak("it", "late", cause="c", cure="c", scope=["one"]), link="store")
    verdict = judge([ill("role", "one"), late], LINKS)
    assert verdict.roots[0].followers == (late,)
    assert verdict.weak == ()
    assert judge([late], LINKS).weak == (late,)


def test_what_has_no_store_in_common_is_a_cause_of_its_own() -> None:
    roots = judge([ill("role", "one"), ill("store", "one"), ill("store", "other")], LINKS).roots
    assert [(root.finding.link, len(root.followers)) for root in roots] == [("role", 1), ("store", 0)]


def test_what_several_stores_have_in_common_is_said_once() -> None:
    seen = [ill("role", "one"), ill("role", "other"), ill("store", "one"), ill("store", "other")]
    [root] = judge(seen, LINKS).roots
    assert root.finding.scope == {"one", "other"}
    assert [finding.scope for finding in root.followers] == [{"one"}, {"other"}]
    [root] = judge([ill("role", "one"), ill("role")], LINKS).roots
    assert root.finding.scope == frozenset()


def test_what_leans_on_nothing_broken_is_a_cause_of_its_own() -> None:
    assert [root.finding.link for root in judge([ill("vault"), ill("gateway")], LINKS).roots] == [
        "vault",
        "gateway",
    ]


def test_the_exit_code_tells_broken_from_unknown() -> None:
    fine = replace(whole("Vault", "answers"), link="vault")
    blind = replace(unknown("Vault", "no token"), link="vault")
    odd = replace(weak("Role", "no audience", cause="c", cure="c"), link="role")
    assert judge([fine, odd], LINKS).exit_code == 0
    assert judge([fine, blind], LINKS).exit_code == 2
    assert judge([blind, ill("role")], LINKS).exit_code == 1


def test_a_complaint_whose_cause_is_gone_is_of_before() -> None:
    complaint = replace(ill("store", "one"), seen_by=("vault", "role"))
    fine = [replace(whole("it", "holds", ["one"]), link=link) for link in ("vault", "role")]
    blind = replace(unknown("it", "no token"), link="role")
    other = replace(whole("it", "holds", ["other"]), link="role")

    def cause(*seen: Finding) -> str:
        return judge([*seen, complaint], LINKS).roots[0].finding.cause

    assert cause(*fine).startswith("the operator waits before it tries again")
    assert cause(*fine).endswith("(it was: store is broken)")
    assert cause(fine[0]) == cause(fine[0], other) == cause(*fine, blind) == "store is broken"
    assert cause(fine[0], ill("role", "one")) == "role is broken"


def test_links_stand_after_what_they_need() -> None:
    from doctor.links import LINKS as ALL  # noqa: PLC0415 - beside the few of this module

    seen: set[str] = set()
    for link in ALL:
        assert set(link.needs) <= seen, link.name
        assert link.explanation
        seen.add(link.name)
