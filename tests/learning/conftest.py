from tests.labelling.conftest import annotators_in as annotators_in
from tests.labelling.conftest import images_in as images_in
