# The user's own files as inputs of rules, whatever they are called.
#
# Snakemake reads {…} in a path as a wildcard, and there is no way to write a brace that is none. So
# files with such names are no inputs themselves: a file made here stands for them, which says how
# many they are and what identifies them, and is made anew when one of them changes.
from diffusion_classifier.operations.given_files import identity, nameable

# section of the config -> the user's own files that an entry of it is made of
GIVEN = {
    "datasets": dataset_files,
    "prompts": prompts_files,
    "groups": groups_files,
    "models": weights_files,
    "loras": lora_files,
    "baselines": pretrained_files,
    "tables": published_files,
}


def given(section, name):
    """The files of GIVEN as inputs of a rule."""
    files = GIVEN[section](name)
    named = list(filter(nameable, files))
    return named + [f"{RESULTS}/given/{section}/{name}.json"] * (len(named) < len(files))


def unnameable(wildcards):
    """Those of the files of GIVEN that cannot be inputs."""
    return [file for file in GIVEN[wildcards.section](wildcards.name) if not nameable(file)]
