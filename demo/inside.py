"""What people do inside the TOMs: Python for ``manage.py shell``. What the audience sees of it is run as it is seen."""

SHOWN = "# -- shown --\n"
"""What comes after it is shown."""

ACCOUNT = """
from django.contrib.auth.models import Group, Permission, User
from guardian.shortcuts import assign_perm
from tom_targets.models import TargetList
observers = Group.objects.get(name=group)
observers.permissions.add(Permission.objects.get(content_type__app_label='tom_bridge', codename='share'))
astronomer = User.objects.create_user(name, f'{name}@example.org', password)
astronomer.groups.add(observers)
for right in ('view', 'change', 'delete'):  # as TOM Toolkit gives them to whoever makes a list
    assign_perm(f'tom_targets.{right}_targetlist', astronomer, TargetList.objects.get(name=list_name))
"""

# The file of the spectrum stays unread in North, as it comes from the telescope: each TOM's own processor may read it.
IMPORT = """
from pathlib import Path
from django.core.files import File
from tom_dataproducts.data_processor import run_data_processor
from tom_dataproducts.models import DataProduct
from tom_targets.models import Target

def upload(path, data_product_type):
    product = DataProduct(target=Target.objects.get(name=name), data_product_type=data_product_type)
    with open(path, 'rb') as file:
        product.data.save(Path(path).name, File(file))
    return product

run_data_processor(upload(photometry, 'atlas_photometry'))
upload(spectrum, 'spectroscopy')
"""

SHARE = f"""
import time
from django.contrib.auth.models import User
from django.db import transaction
from tom_dataproducts.models import DataProduct, PhotometryReducedDatum
from tom_targets.models import Target, TargetList
target, young_supernovae = Target.objects.get(name=name), TargetList.objects.get(name=list_name)
light_curve = PhotometryReducedDatum.objects.filter(target=target)
spectrum = DataProduct.objects.get(data_product_type='spectroscopy')
ada = User.objects.get(username=username)
started = time.perf_counter()
{SHOWN}from bridge.tomtoolkit.sharing import share
with transaction.atomic():
    share([target, light_curve, spectrum], topic='demo.supernovae', user=ada, title='First two weeks')
    share(young_supernovae, topic='demo.supernovae', user=ada, with_targets=False)
"""
SHARE_TOOK = "result = 1000 * (time.perf_counter() - started)\n"

SHARE_ITSELF = f"""
from django.contrib.auth.models import User
from tom_targets.models import Target
target, ada = Target.objects.get(name=name), User.objects.get(username=username)
{SHOWN}from bridge.tomtoolkit.models import SelfShare
SelfShare.objects.create(target=target, topic='demo.supernovae', kinds=['photometry'], created_by=ada)
"""

ANOTHER_POINT = f"""
from datetime import UTC, datetime
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.models import Target
target, tonight = Target.objects.get(name=name), datetime(2024, 1, 27, 4, 30, tzinfo=UTC)
{SHOWN}PhotometryReducedDatum.objects.bulk_create([
    PhotometryReducedDatum(target=target, timestamp=tonight, bandpass='o', limit=19.4, exposure_time=30),
])
"""

OWN_POINT = """
from datetime import UTC, datetime
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.models import Target
point = PhotometryReducedDatum.objects.create(
    target=Target.objects.get(name=name), timestamp=datetime(2024, 1, 28, 3, 15, tzinfo=UTC),
    bandpass='r', brightness=18.2, brightness_error=0.03, telescope='0m4', instrument='sbig',
)
result = [point.target_id, point.pk]
"""

DELETE = """
from tom_dataproducts.models import DataProduct, PhotometryReducedDatum
for each in DataProduct.objects.all():
    each.data.delete(save=False)
    each.delete()
for each in PhotometryReducedDatum.objects.order_by('timestamp')[:points]:
    each.delete()
"""


def shown(code: str) -> str:
    """Return the part of ``code`` that is shown."""
    return code.partition(SHOWN)[2]
