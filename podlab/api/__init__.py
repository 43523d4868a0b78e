"""The API's vocabulary: kinds, objects, their text form, quantities, selectors, times."""
