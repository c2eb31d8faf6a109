"""orthanc-video: any video in, standard DICOM video out."""

__version__ = "0.1.0"
