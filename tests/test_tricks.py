"""scripts/tricks.py: the marks of fast lines; and the fast way gives what the plain one does."""

import pytest

from scripts import tricks


def test_each_fast_line_has_a_reason():
    assert [mark for mark in tricks.marks() if len(mark.reason.split()) < 3] == []


@pytest.mark.parametrize("name", tricks.TRICKS)
def test_the_fast_way_gives_what_the_plain_one_gives(name):
    fast, plain = tricks.TRICKS[name].values()
    assert fast == plain


def test_a_mark_is_found_at_the_end_of_a_line_and_above_one(tmp_path):
    text = (
        "a = 1  # FAST: by itself\n"
        "# FAST: one XOR of long integers\n"
        "# instead of many of short ones\n"
        "b = '# FAST: no comment'  # not FAST: either\n"
        "# FAST\n"
    )
    (tmp_path / "file.py").write_text(text)
    assert list(tricks.marks_of(tmp_path / "file.py", "file.py")) == [
        tricks.Mark("file.py", 1, "by itself"),
        tricks.Mark("file.py", 2, "one XOR of long integers instead of many of short ones"),
        tricks.Mark("file.py", 5, ""),
    ]


@pytest.mark.slow
def test_the_gain_of_each_trick_is_printed(monkeypatch, capsys):
    monkeypatch.setattr(tricks, "SECONDS", 0.0)
    tricks.main()
    printed = capsys.readouterr().out
    assert all(f"    {name} " in printed for name in tricks.TRICKS)
