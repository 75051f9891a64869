"""The stages in order: read, plan, extract, encode, tabulate, report."""

from hemiscale.pipeline.chance import write_chance_table
from hemiscale.pipeline.fetching import FetchedStudy, fetch_study
from hemiscale.pipeline.inputs import StudyInputs, check_study, read_inputs
from hemiscale.pipeline.plan import FeatureSet, plan_study
from hemiscale.pipeline.run import StudyStatus, report_study, run_study, study_status
from hemiscale.pipeline.unique import write_unique_table

__all__ = [
    "FeatureSet",
    "FetchedStudy",
    "StudyInputs",
    "StudyStatus",
    "check_study",
    "fetch_study",
    "plan_study",
    "read_inputs",
    "report_study",
    "run_study",
    "study_status",
    "write_chance_table",
    "write_unique_table",
]
