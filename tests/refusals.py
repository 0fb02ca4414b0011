"""How mistakes are refused: by one line."""

import pytest

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.messages import InputError


def refused(check, *arguments, most=600):
    """The message with which `check` refuses its arguments, one line of less than `most`."""
    with pytest.raises(InputError) as error:
        check(*arguments)
    message = str(error.value)
    assert "\n" not in message and len(message) < most
    return message


def refused_config(config, root, *words):
    """The message with which a config is refused, which contains `words`."""
    message = refused(check_config, config, root, most=500)
    for each in words:
        assert each in message
    return message
