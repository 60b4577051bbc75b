"""Checks of single values, choices, kinds and names; those of arrays are in test_validation_arrays.py."""

import math
from fractions import Fraction

import numpy as np
import pytest

from simpeg_jointdl._core import validation as check

WHO = "make_model.size"

# check, arguments after who, what comes back
GOOD = {
    "number": (check.number, (-2.5,), {}, -2.5),
    "number, numpy": (check.number, (np.float32(0.5),), {}, 0.5),
    "number, array without dimensions": (check.number, (np.array(3.0),), {}, 3.0),
    "number, fraction": (check.number, (Fraction(1, 4),), {}, 0.25),
    "number, on its limits": (check.number, (1,), {"least": 1, "most": 1}, 1.0),
    "positive": (check.positive, (1e-300,), {}, 1e-300),
    "non-negative": (check.non_negative, (0,), {}, 0.0),
    "share, lower end": (check.share, (0.0,), {}, 0.0),
    "share, upper end": (check.share, (1,), {}, 1.0),
    "whole": (check.whole, (3,), {}, 3),
    "whole, numpy": (check.whole, (np.int8(1),), {}, 1),
    "whole, zero allowed": (check.whole, (0, 0), {}, 0),
    "whole, at most": (check.whole, (4, 1, 4), {}, 4),
    "one of": (check.one_of, ("b", ("a", "b")), {}, "b"),
    "one of, None": (check.one_of, (None, (None, "a")), {}, None),
    "several": (check.several, ([1, "a"], 2), {}, (1, "a")),
    "several, array": (check.several, (np.array([1.0, 2.0]), 2), {}, (1.0, 2.0)),
    "listed, one": (check.listed, (3.0, float), {}, [3.0]),
    "listed, more": (check.listed, ((3.0, 4.0), float), {}, [3.0, 4.0]),
    "listed, of str": (check.listed, ("ab", str), {}, ["ab"]),
    "instance": (check.instance, (3, int), {}, 3),
    "instance of several": (check.instance, (3, (str, int)), {}, 3),
    "widths": (check.widths, ([8, 16],), {}, (8, 16)),
    "widths, array": (check.widths, (np.array([8, 16]),), {}, (8, 16)),
    "names, one": (check.distinct_names, ("rho",), {}, ("rho",)),
    "names, counted": (check.distinct_names, (["rho", "chi"], 2), {}, ("rho", "chi")),
    "known names": (check.known_names, ({"a": 1}, ("a", "b")), {}, None),
    "known names, one": (check.known_names, ("a", ("a", "b")), {}, None),
}


@pytest.mark.parametrize("case", GOOD)
def test_good_input_comes_back_as_a_plain_value(case):
    function, arguments, options, wanted = GOOD[case]
    got = function(WHO, *arguments, **options)
    assert got == wanted
    assert type(got) is type(wanted)


NUMBER = "a finite number"
# check, arguments after who, error, what the message says after "make_model.size: got "
BAD = {
    "number, str": (check.number, ("3",), {}, TypeError, f"'3', wanted {NUMBER}."),
    "number, bool": (check.number, (True,), {}, TypeError, f"True, wanted {NUMBER}."),
    "number, numpy bool": (check.number, (np.True_,), {}, TypeError, NUMBER),
    "number, None": (check.number, (None,), {}, TypeError, f"None, wanted {NUMBER}."),
    "number, complex": (check.number, (1j,), {}, TypeError, f"1j, wanted {NUMBER}."),
    "number, array": (check.number, (np.ones(2),), {}, TypeError, NUMBER),
    "number, masked": (check.number, (np.ma.masked,), {}, TypeError, f"masked, wanted {NUMBER}."),
    "number, nan": (check.number, (math.nan,), {}, ValueError, f"nan, wanted {NUMBER}."),
    "number, infinite": (check.number, (math.inf,), {}, ValueError, f"inf, wanted {NUMBER}."),
    "number, low": (check.number, (0.5,), {"least": 1}, ValueError, f"0.5, wanted {NUMBER} at least 1."),
    "number, high": (check.number, (2.5,), {"most": 2}, ValueError, f"2.5, wanted {NUMBER} at most 2."),
    "number, not above": (check.number, (1,), {"above": 1}, ValueError, f"1, wanted {NUMBER} above 1."),
    "number, not below": (check.number, (1.0,), {"least": 0, "below": 1}, ValueError, f"1.0, wanted {NUMBER} at least"),
    "number, mend": (check.number, (-1,), {"least": 0, "mend": "Turn it round."}, ValueError, "at least 0. Turn it"),
    "positive, zero": (check.positive, (0.0,), {}, ValueError, f"0.0, wanted {NUMBER} above 0."),
    "positive, infinite": (check.positive, (math.inf,), {}, ValueError, f"inf, wanted {NUMBER} above 0."),
    "positive, list": (check.positive, ([1.0],), {}, TypeError, f"[1.0], wanted {NUMBER} above 0."),
    "non-negative, below": (check.non_negative, (-1e-9,), {}, ValueError, f"-1e-09, wanted {NUMBER} at least 0."),
    "share, above": (check.share, (1.5,), {}, ValueError, f"1.5, wanted {NUMBER} from 0 to 1."),
    "share, without one": (check.share, (1.0,), {"one": False}, ValueError, "at least 0 and below 1."),
    "share, without ends": (check.share, (0,), {"zero": False, "one": False}, ValueError, "above 0 and below 1."),
    "whole, zero": (check.whole, (0,), {}, ValueError, "0, wanted a whole number of at least 1."),
    "whole, float": (check.whole, (2.0,), {}, ValueError, "2.0, wanted a whole number of at least 1."),
    "whole, bool": (check.whole, (True,), {}, TypeError, "True, wanted a whole number of at least 1."),
    "whole, nan": (check.whole, (math.nan,), {}, ValueError, "nan, wanted a whole number of at least 1."),
    "whole, str": (check.whole, ("2",), {}, TypeError, "'2', wanted a whole number of at least 1."),
    "whole, above": (check.whole, (5, 1, 4), {}, ValueError, "5, wanted a whole number from 1 to 4."),
    "one of": (check.one_of, ("c", ("a", "b")), {}, ValueError, "'c', wanted one of 'a', 'b'."),
    "one of, True for 1": (check.one_of, (True, (1, 2)), {}, ValueError, "True, wanted one of 1, 2."),
    "one of, array": (check.one_of, (np.ones(2), ("a",)), {}, ValueError, "array([1., 1.]), wanted one of 'a'."),
    "one of, mend": (check.one_of, ("c", ("a",)), {"mend": "See b."}, ValueError, "'c', wanted one of 'a'. See b."),
    "several, count": (check.several, ((1, 2), 3), {}, ValueError, "2 entries, wanted 3."),
    "several, number": (check.several, (2, 3), {}, TypeError, "2, wanted 3 entries."),
    "several, str": (check.several, ("abc", 3), {}, TypeError, "'abc', wanted 3 entries."),
    "listed, none": (check.listed, ((), float), {}, ValueError, "none, wanted at least one float."),
    "listed, other kinds": (check.listed, ((1.0, 2), float), {}, TypeError, "[float, int], wanted at least one float."),
    "listed, not iterable": (check.listed, (2, float), {}, TypeError, "int, wanted at least one float."),
    "listed, in words": (check.listed, ((), float, "a fit"), {}, ValueError, "none, wanted a fit."),
    "instance": (check.instance, ("a", int), {}, TypeError, "str, wanted a int."),
    "instance, of several": (check.instance, (1.0, (str, int)), {}, TypeError, "float, wanted a str or int."),
    "instance, in words": (check.instance, (None, int, "a count"), {}, TypeError, "NoneType, wanted a count."),
    "widths, none": (check.widths, ((),), {}, ValueError, "(), wanted a sequence of one or more whole numbers."),
    "widths, number": (check.widths, (8,), {}, TypeError, "8, wanted a sequence of one or more whole numbers."),
    "widths, str": (check.widths, ("88",), {}, TypeError, "'88', wanted a sequence"),
    "names, twice": (check.distinct_names, (("a", "a"),), {}, ValueError, "'a' more than once, wanted one or more"),
    "names, none": (check.distinct_names, ((),), {}, ValueError, "0 names, wanted one or more different names."),
    "names, count": (check.distinct_names, (("a",), 2), {}, ValueError, "1 names, wanted 2 different names."),
    "names, numbers": (check.distinct_names, ((1, 2),), {}, TypeError, "(1, 2), wanted one or more different names."),
    "names, None": (check.distinct_names, (None,), {}, TypeError, "None, wanted one or more different names."),
    "known names": (check.known_names, ({"c": 1, "a": 2}, ("a", "b")), {}, ValueError, "'c', wanted only 'a', 'b'."),
    "known names, number": (check.known_names, (3, ("a", "b")), {}, TypeError, "int, wanted names among 'a', 'b'."),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_the_whole_name_of_the_argument(case):
    function, arguments, options, error, wanted = BAD[case]
    with pytest.raises(error) as caught:
        function(WHO, *arguments, **options)
    message = str(caught.value)
    assert message.startswith(f"{WHO}: got ")
    assert wanted in message


def test_an_entry_of_several_is_named_by_its_place():
    with pytest.raises(ValueError, match=r"make_model\.size\[1\]: got 0, wanted a whole number of at least 1\."):
        check.widths(WHO, (8, 0))


def test_a_long_value_is_shortened_in_the_message():
    with pytest.raises(TypeError) as caught:
        check.number(WHO, list(range(1000)))
    assert len(str(caught.value)) < 150


def test_every_check_is_tested_here_or_with_the_arrays():
    of_arrays = {"finite_array", "gappy_array", "per_item", "per_cell", "bounds", "discretize_mesh", "active_cells"}
    tested = {case[0].__name__ for case in (*GOOD.values(), *BAD.values())}
    assert tested | of_arrays == set(check.__all__)
