"""Keys of the ops of a job, which are the step keys of its runs: ``op_train``, ``op_train[3]``."""

_PREFIX = "op_"


def op_key(step_name: str) -> str:
    """The key of a step's op."""
    return _PREFIX + step_name


def is_step_key(key: str) -> bool:
    """Whether a key is that of a step's op; those of helper ops, which run no task, are not."""
    return key.startswith(_PREFIX)


def task_label(key: str) -> str:
    """A key without what all steps' keys begin with, for people: ``train[3]``."""
    return key.removeprefix(_PREFIX)
