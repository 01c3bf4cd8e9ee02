"""One answer about requests in or out has a part of the calls too."""

from analyzer.measurement.one_pass import SIDES, answered, asked
from analyzer.measurement.other_side import CALLS
from analyzer.prometheus.fetch import Fetched
from tests.measurement.test_plan import plan_of


def test_calls_are_asked_for_only_where_no_side_reports_them() -> None:
    jobs = plan_of().jobs
    of_calls = [job for job in jobs if job.query.name == CALLS]
    sent = asked(of_calls, jobs)

    assert {job.part for job in of_calls} == {*SIDES, "others"}
    assert {job.query.name for job in sent} == {CALLS, *SIDES}
    (others,) = (job for job in sent if job.query.name == CALLS)
    assert 'reporter!~"destination|source"' in others.promql


def test_each_job_is_answered_once() -> None:
    jobs = plan_of().jobs
    answers = [
        answer.job
        for job in asked(jobs, jobs)
        for answer in answered(Fetched(job=job, responses=()), jobs)
    ]

    assert sorted(answers, key=str) == sorted(jobs, key=str)
