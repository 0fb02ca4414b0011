"""Prompts: templates, and mistakes in a CSV."""

import pandas as pd
import pytest

from diffusion_classifier.data.prompt_sets import (
    check_classes,
    check_labels,
    check_named,
    from_captions,
    from_templates,
    is_unconditional,
    read_prompts,
    with_unconditional,
)
from diffusion_classifier.messages import InputError

HEADER = "prompt,classname,classidx\n"


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "prompts.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_templates_make_the_authors_mnist_prompts(written):
    expected = HEADER + (
        "a photo of the number: '0'.,0,0\n"
        "a photo of the number: '1'.,1,1\n"
        "a photo of the number: '2'.,2,2\n"
        "a photo of the number: '3'.,3,3\n"
        "a photo of the number: '4'.,4,4\n"
        "a photo of the number: '5'.,5,5\n"
        "a photo of the number: '6'.,6,6\n"
        "a photo of the number: '7'.,7,7\n"
        "a photo of the number: '8'.,8,8\n"
        "a photo of the number: '9'.,9,9\n"
    )
    made = from_templates([str(digit) for digit in range(10)], ["a photo of the number: '{}'."])
    assert made.to_csv(index=False) == expected
    pd.testing.assert_frame_equal(read_prompts(written(expected)), made, check_dtype=False)


def test_every_class_gets_every_template():
    made = from_templates(["cat", "dog"], ["a {}.", "{}!"])
    assert made["prompt"].tolist() == ["a cat.", "cat!", "a dog.", "dog!"]
    assert made["classidx"].tolist() == [0, 0, 1, 1]
    assert made["classname"].tolist() == ["cat", "cat", "dog", "dog"]


def test_class_names_are_not_templates_themselves():
    assert from_templates(["{0}", "{x"], ["a {}"])["prompt"].tolist() == ["a {0}", "a {x"]


@pytest.mark.parametrize("content", ["﻿" + HEADER + 'a,x,0\n"b, with comma",y,1\n'])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_what_spreadsheets_write_is_read(written, content, line_end):
    found = read_prompts(written(content.replace("\n", line_end)))
    assert found["prompt"].tolist() == ["a", "b, with comma"]
    assert found["classidx"].tolist() == [0, 1]
    assert found["classidx"].dtype == "int64"


def test_texts_stay_texts_and_other_columns_are_dropped(written):
    found = read_prompts(written("classidx,note,prompt,classname\n7,x,NA,null\n0,,1.50,007\n"))
    assert found.to_dict("list") == {
        "prompt": ["NA", "1.50"],
        "classname": ["null", "007"],
        "classidx": [7, 0],
    }


def test_two_classes_may_share_a_prompt(written):
    """The authors' ImageNet prompts have such classes."""
    content = HEADER + "a photo of a missile.,missile,657\na photo of a missile.,missile,744\n"
    assert read_prompts(written(content))["classidx"].tolist() == [657, 744]


@pytest.mark.parametrize(
    ("content", "output"),
    [
        (HEADER + "a,x,0\n ,y,1\n", ["line 3", "an empty prompt", "expected a text", "fill it"]),
        (HEADER + "a,x,0\n\n\n,y,1\n", ["line 5", "an empty prompt"]),
        (HEADER + '"two\nlines",x,0\n,y,1\n', ["line 4", "an empty prompt"]),
        (HEADER + "a,x,0\nb,y,1\na,x,0\n", ["line 4", "'a'", "class 0", "different", "change"]),
        (HEADER + "a,x,0\nb,y,one\n", ["line 3", "'one'", "whole number", "`classidx`"]),
        (HEADER + "a,x,-1\n", ["line 2", "'-1'", "from 0 on"]),
        (HEADER + "a,x,1.0\n", ["line 2", "'1.0'"]),
        (HEADER + "a,x,\n", ["line 2", "''"]),
        (HEADER + "a,x,٣\n", ["line 2", "'٣'"]),
        (HEADER + "a,x,99999999999999999999\n", ["line 2", "'99999999999999999999'"]),
        (HEADER + "a, b,x,0\nc, d,y,1\n", ["line 2", "4 values", "expected 3", "double quotes"]),
        (HEADER + "a,x\n", ["line 2", "2 values", "expected 3"]),
        (HEADER + '"a,x,0\n', ["CSV", "prompt,classname,classidx"]),
        ("prompt,classname\na,x\n", ["line 1", "`classidx`", "missing", "add it"]),
        ("prompt;classname;classidx\na;x;0\n", ["line 1", "`prompt`", "missing"]),
        ("", ["`prompt`", "missing", "prompt,classname,classidx"]),
        ("\n\n", ["`prompt`", "missing"]),
        (HEADER, ["no prompts", "expected one line per prompt", "add them"]),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", ["cannot be read", "CSV", "correct"]),
        (b"PK\x03\x04\x00\x00", ["prompt,classname,classidx"]),
    ],
)
def test_bad_files_are_refused_by_name_and_line(written, content, output):
    path = written(content)
    with pytest.raises(InputError) as error:
        read_prompts(path)
    for words in [str(path), *output]:
        assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv: cannot be read"):
        read_prompts(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_prompts(tmp_path)


def test_each_label_needs_a_prompt():
    prompts = from_templates(["cat", "dog"], ["a {}."])
    labels = pd.DataFrame({"label": [0, 1], "classname": ["cat", "dog"]})
    check_labels(prompts, labels, "pets")
    more = pd.DataFrame({"label": [1, 2], "classname": ["dog", "owl"]})
    with pytest.raises(InputError, match=r"pets: its class 2 \(owl\) has no prompt, .*; add it"):
        check_labels(prompts, more, "pets")


# --- captions, and the unconditional prompt


def test_captions_are_prompts_as_they_are():
    """Two images per example, as in Winoground: each class is named by its caption."""
    data = pd.DataFrame(
        {
            "image": [3, 1, 2, 0, 4],
            "label": [3, 1, 2, 0, 1],
            "classname": ["d, left", "b", "{}", "a", "b"],
        }
    )
    made = from_captions(data)
    assert made.to_dict("list") == {
        "prompt": ["a", "b", "{}", "d, left"],
        "classname": ["a", "b", "{}", "d, left"],
        "classidx": [0, 1, 2, 3],
    }


def test_the_unconditional_prompt_is_a_class_of_its_own():
    prompts = from_templates(["cat", "dog"], ["a {}.", "{}!"])
    made = with_unconditional(prompts)
    pd.testing.assert_frame_equal(made.iloc[:4], prompts)
    assert made.iloc[4].tolist() == ["", "", 2]
    assert is_unconditional(made).tolist() == [False] * 4 + [True]
    assert not is_unconditional(prompts).any()
    # an empty text of a named class, or a text without a name, is not unconditional
    near = pd.DataFrame({"prompt": ["", "a"], "classname": ["cat", ""], "classidx": [0, 1]})
    assert not is_unconditional(near).any()


def test_the_unconditional_prompt_survives_its_file(written):
    made = with_unconditional(from_templates(["cat", "dog"], ["a {}."]))
    found = read_prompts(written(made.to_csv(index=False)))
    pd.testing.assert_frame_equal(found, made, check_dtype=False)
    assert is_unconditional(found).tolist() == [False, False, True]


@pytest.mark.parametrize("empty", ["", " "])
def test_a_named_class_needs_a_text(written, empty):
    read_prompts(written(HEADER + "a,x,0\n,,1\n"))
    with pytest.raises(InputError, match="line 3: found an empty prompt, expected a text; fill"):
        read_prompts(written(HEADER + f"a,x,0\n{empty},y,1\n"))


def test_prompts_of_classes_that_there_are_not_are_refused():
    prompts = from_templates(["cat", "dog", "owl"], ["a {}."])
    check_classes(prompts, 3, "here")
    check_classes(with_unconditional(prompts), 3, "here")  # which is no class of the data set's
    message = r"^here: found the prompt 'a owl\.' of class index 2, expected 0 to 1, .*; correct"
    with pytest.raises(InputError, match=message):
        check_classes(prompts, 2, "here")


def test_every_class_there_is_needs_a_prompt():
    prompts = from_templates(["cat", "dog", "owl"], ["a {}."])
    check_named(prompts, 3, "here")
    check_named(prompts, 2, "here")
    message = r"^here: found no prompt of class index 1, expected at least one .* 0 to 2; add it"
    with pytest.raises(InputError, match=message):
        check_named(prompts[prompts["classidx"] != 1], 3, "here")


def test_the_unconditional_prompt_names_no_class():
    prompts = with_unconditional(from_templates(["cat", "dog"], ["a {}."]))
    with pytest.raises(InputError, match="no prompt of class index 2"):
        check_named(prompts, 3, "here")
