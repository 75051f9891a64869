"""What batch systems are asked for: the job scripts, without any batch system."""

import pytest

from hemiscale.errors import InputError
from hemiscale.pipeline.job_queue import CLASSES, job_options
from hemiscale.study import Cluster, read_study

dask_jobqueue = pytest.importorskip("dask_jobqueue")

EXPECTED = {
    "slurm": ["#SBATCH -p gpu", "#SBATCH -A lab-7", "#SBATCH --mem=15G", "#SBATCH -t 02:00:00"],
    "pbs": ["#PBS -q gpu", "#PBS -A lab-7", "walltime=02:00:00"],
    "sge": ["#$ -q gpu", "#$ -P lab-7", "h_rt=02:00:00"],
    "lsf": ["#BSUB -q gpu", '#BSUB -P "lab-7"', "#BSUB -W 02:00"],
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_job_scripts(kind):
    walltime = "02:00" if kind == "lsf" else "02:00:00"
    table = Cluster(
        kind=kind, jobs=3, cores=4, memory="16GB", walltime=walltime, queue="gpu", account="lab-7"
    )
    job_class = getattr(dask_jobqueue, CLASSES[kind]).job_cls
    job = job_class(scheduler="tcp://x:1", name="j", **job_options(table))
    script = job.job_script()
    for line in EXPECTED[kind]:
        assert line in script, script
    assert "--nthreads 1" in script
    assert "--nworkers 4" in script


def test_gpu_job():
    table = Cluster(kind="slurm", cores=8, gpu=True)
    job = dask_jobqueue.SLURMCluster.job_cls(scheduler="tcp://x:1", name="j", **job_options(table))
    script = job.job_script()
    assert "#SBATCH --gres=gpu:1" in script
    assert script.count("--cpus-per-task") == 1
    assert "#SBATCH --cpus-per-task=8" in script
    assert "--resources GPU=1" in script
    assert "--nthreads 1" in script


@pytest.mark.parametrize(
    "line",
    [
        'queue = "x\\n#SBATCH --wrap=evil"',
        'account = "$(evil)"',
        'walltime = "1; evil"',
        'memory = "8GB; evil"',
        'kind = "ssh"',
        "jobs = 0",
        'job_script_prologue = ["evil"]',
    ],
)
def test_study_file_cannot_smuggle_commands_into_job_scripts(study_folder, line):
    path = study_folder / "study.toml"
    kind = "" if line.startswith("kind") else 'kind = "slurm"\n'
    path.write_text(path.read_text() + f"\n[cluster]\n{kind}{line}\n")
    with pytest.raises(InputError, match="cluster"):
        read_study(path)
