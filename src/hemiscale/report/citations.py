"""What to cite: the tool, the method, the data, the models."""

from __future__ import annotations

import re

from hemiscale.report.load import Results

__all__ = ["bibtex"]

_TOOL = """\
@software{hemiscale,
  title   = {hemiscale: scaling laws of language models and the brain, and their asymmetry},
  author  = {{The hemiscale team}},
  version = {%s},
}"""

_METHOD = """\
@article{bonnassegahot2024fmri,
  author  = {Bonnasse-Gahot, Laurent and Pallier, Christophe},
  title   = {{fMRI} predictors based on language models of increasing complexity recover brain
             left lateralization},
  journal = {Advances in Neural Information Processing Systems},
  volume  = {37},
  year    = {2024},
}"""

# What each family asks to cite, by its name without case and punctuation.
_FAMILIES = {
    "smollm2": """\
@misc{allal2025smollm2,
  author = {Allal, Loubna Ben and Lozhkov, Anton and Bakouch, Elie and others},
  title  = {{SmolLM2}: When Smol Goes Big},
  year   = {2025},
  eprint = {2502.02737},
  archivePrefix = {arXiv},
}""",
    "gemma3": """\
@misc{gemma3,
  author = {{Gemma Team}},
  title  = {Gemma 3 Technical Report},
  year   = {2025},
  eprint = {2503.19786},
  archivePrefix = {arXiv},
}""",
    "gemma": """\
@misc{gemma,
  author = {{Gemma Team}},
  title  = {Gemma: Open Models Based on {Gemini} Research and Technology},
  year   = {2024},
  eprint = {2403.08295},
  archivePrefix = {arXiv},
}""",
    "gpt2": """\
@techreport{radford2019language,
  author      = {Radford, Alec and Wu, Jeffrey and Child, Rewon and Luan, David and Amodei,
                 Dario and
                 Sutskever, Ilya},
  title       = {Language Models are Unsupervised Multitask Learners},
  institution = {OpenAI},
  year        = {2019},
}""",
    "opt": """\
@misc{zhang2022opt,
  author = {Zhang, Susan and Roller, Stephen and Goyal, Naman and others},
  title  = {{OPT}: Open Pre-trained Transformer Language Models},
  year   = {2022},
  eprint = {2205.01068},
  archivePrefix = {arXiv},
}""",
    "mamba": """\
@misc{gu2023mamba,
  author = {Gu, Albert and Dao, Tri},
  title  = {Mamba: Linear-Time Sequence Modeling with Selective State Spaces},
  year   = {2023},
  eprint = {2312.00752},
  archivePrefix = {arXiv},
}""",
    "qwen15": """\
@misc{bai2023qwen,
  author = {Bai, Jinze and Bai, Shuai and Chu, Yunfei and others},
  title  = {Qwen Technical Report},
  year   = {2023},
  eprint = {2309.16609},
  archivePrefix = {arXiv},
}""",
    "qwen2": """\
@misc{yang2024qwen2,
  author = {Yang, An and Yang, Baosong and Hui, Binyuan and others},
  title  = {Qwen2 Technical Report},
  year   = {2024},
  eprint = {2407.10671},
  archivePrefix = {arXiv},
}""",
    "stablelm": """\
@misc{bellagente2024stable,
  author = {Bellagente, Marco and Tow, Jonathan and Mahan, Dakota and others},
  title  = {Stable {LM} 2 {1.6B} Technical Report},
  year   = {2024},
  eprint = {2402.17834},
  archivePrefix = {arXiv},
}""",
    "llama2": """\
@misc{touvron2023llama2,
  author = {Touvron, Hugo and Martin, Louis and Stone, Kevin and others},
  title  = {Llama 2: Open Foundation and Fine-Tuned Chat Models},
  year   = {2023},
  eprint = {2307.09288},
  archivePrefix = {arXiv},
}""",
    "mistral": """\
@misc{jiang2023mistral,
  author = {Jiang, Albert Q. and Sablayrolles, Alexandre and Mensch, Arthur and others},
  title  = {Mistral {7B}},
  year   = {2023},
  eprint = {2310.06825},
  archivePrefix = {arXiv},
}""",
    "pythia": """\
@misc{biderman2023pythia,
  author = {Biderman, Stella and Schoelkopf, Hailey and Anthony, Quentin and others},
  title  = {Pythia: A Suite for Analyzing Large Language Models Across Training and Scaling},
  year   = {2023},
  eprint = {2304.01373},
  archivePrefix = {arXiv},
}""",
    "olmo2": """\
@misc{olmo2024,
  author = {{Team OLMo}},
  title  = {2 {OLMo} 2 Furious},
  year   = {2024},
  eprint = {2501.00656},
  archivePrefix = {arXiv},
}""",
    "glove": """\
@inproceedings{pennington2014glove,
  author    = {Pennington, Jeffrey and Socher, Richard and Manning, Christopher D.},
  title     = {{GloVe}: Global Vectors for Word Representation},
  booktitle = {Proceedings of EMNLP},
  pages     = {1532--1543},
  year      = {2014},
}""",
}


def bibtex(results: Results) -> str:
    """Collect what to cite: the tool, the method, the data, the models.

    Parameters
    ----------
    results : Results

    Returns
    -------
    str
        BibTeX entries. Models of families that are not known here have none; their cards at the hub
        say what to cite.
    """
    versions = results.diagnostics.get("versions") or {}
    data = results.study.get("citation") or ""
    entries = [str(entry) for entry in (data if isinstance(data, list) else [data])]
    plain = {re.sub(r"[^a-z0-9]", "", str(name).lower()) for name in results.models["family"]}
    static = results.models.loc[results.models["kind"] == "static embedding", "model"]
    if any("glove" in str(name).lower() for name in static):
        plain.add("glove")
    models = [entry for family, entry in _FAMILIES.items() if family in plain]
    tool = _TOOL % versions.get("hemiscale", "")
    return "\n\n".join(part.strip() for part in [tool, _METHOD, *entries, *models] if part.strip())
