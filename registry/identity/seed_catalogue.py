"""Facts for a fresh machine: common networked device types, copied from FDA's product classification.

A test checks them against the file of 2026-08-18. The non-clinical types are the hospital's own.
"""

from __future__ import annotations

from dataclasses import replace

from registry.model.product import Product

FDA_SOURCE = "seed"
HOSPITAL_SOURCE = "medtrust"


_FDA_TABLE = """
# Infusion and dosing
FRN|2|880.5725|General Hospital|N|Pump, Infusion
MEA|2|880.5725|General Hospital|N|Pump, Infusion, Pca
LZG|2|880.5725|General Hospital|N|Pump, Infusion, Insulin
QFG|2|880.5730|Clinical Chemistry|N|Alternate Controller Enabled Insulin Infusion Pump
LZH|2|880.5725|General Hospital|N|Pump, Infusion, Enteral
PHC|2|880.5725|General Hospital|N|Infusion Safety Management Software
OZP|3|-|-|N|Automated Insulin Dosing Device System, Single Hormonal Control
# Breathing and anesthesia
CBK|2|868.5895|Anesthesiology|Y|Ventilator, Continuous, Facility Use
NOU|2|868.5895|Anesthesiology|Y|Continuous, Ventilator, Home Use
BTL|2|868.5925|Anesthesiology|Y|Ventilator, Emergency, Powered (Resuscitator)
BZD|2|868.5905|Anesthesiology|N|Ventilator, Non-Continuous (Respirator)
LSZ|3|-|-|N|Ventilator, High Frequency
BSZ|2|868.5160|Anesthesiology|Y|Gas-Machine, Anesthesia
# Circulation, heart and kidney support
DTQ|2|870.4220|Cardiovascular|Y|Console, Heart-Lung Machine, Cardiopulmonary Bypass
BYS|2|870.4100|Cardiovascular|Y|Oxygenator, Long Term Support Greater Than 6 Hours
QNR|2|870.4100|Cardiovascular|Y|Blood Pump For Ecmo, Long-Term (> 6 Hours) Use
QJZ|2|870.4100|Cardiovascular|Y|Extracorporeal System For Long-Term Respiratory / Cardiopulmonary Failure
DTZ|2|870.4350|Cardiovascular|Y|Oxygenator, Cardiopulmonary Bypass
DSP|2|870.3535|Cardiovascular|N|System, Balloon, Intra-Aortic And Control
MKJ|3|870.5310|Cardiovascular|N|Automated External Defibrillators (Non-Wearable)
DRK|3|870.5300|Cardiovascular|N|Dc-Defibrillator, High Energy, (Including Paddles)
LDD|2|870.5300|Cardiovascular|Y|Dc-Defibrillator, Low-Energy, (Including Paddles)
DRO|2|870.5550|Cardiovascular|Y|Pacemaker, Cardiac, External Transcutaneous (Non-Invasive)
DTE|2|870.3600|Cardiovascular|N|Pulse-Generator, Pacemaker, External
FKP|2|876.5820|Gastroenterology & Urology|Y|System, Dialysate Delivery, Single Patient
FII|2|876.5860|Gastroenterology & Urology|Y|System, Dialysate Delivery, Sealed
ONW|2|876.5860|Gastroenterology & Urology|N|Hemodialysis System For Home Use
# Monitors and their networks
MHX|2|870.1025|Cardiovascular|N|Monitor, Physiological, Patient(With Arrhythmia Detection Or Alarms)
MWI|2|870.2300|Cardiovascular|N|Monitor, Physiological, Patient (Without Arrhythmia Detection Or Alarms)
MSX|2|870.2300|Cardiovascular|Y|System, Network And Communication, Physiological Monitors
QYW|2|870.1025|Cardiovascular|Y|Hospital Cardiac Telemetry
DRT|2|870.2300|Cardiovascular|N|Monitor, Cardiac (Incl. Cardiotachometer & Rate Alarm)
DRG|2|870.2910|Cardiovascular|N|Transmitters And Receivers, Physiological Signal, Radiofrequency
DSI|2|870.1025|Cardiovascular|N|Detector And Alarm, Arrhythmia
DQA|2|870.2700|Cardiovascular|N|Oximeter
DXN|2|870.1130|Cardiovascular|N|System, Measurement, Blood-Pressure, Non-Invasive
CCK|2|868.1400|Anesthesiology|N|Analyzer, Gas, Carbon-Dioxide, Gaseous-Phase
BZQ|2|868.2375|Anesthesiology|N|Monitor, Breathing Frequency
FLS|2|868.2377|Anesthesiology|Y|Monitor, Apnea, Facility Use
FLL|2|880.2910|General Hospital|N|Continuous Measurement Thermometer
HGM|2|884.2740|Obstetrics/Gynecology|N|System, Monitoring, Perinatal
KNG|2|884.2660|Obstetrics/Gynecology|N|Monitor, Ultrasonic, Fetal
PYV|2|862.1345|Clinical Chemistry|N|Hospital Continuous Glucose Monitoring System
# Recorders
DPS|2|870.2340|Cardiovascular|N|Electrocardiograph
GWQ|2|882.1400|Neurology|N|Full-Montage Standard Electroencephalograph
OLV|2|882.1400|Neurology|N|Standard Polysomnograph With Electroencephalograph
# Imaging
JAK|2|892.1750|Radiology|N|System, X-Ray, Tomography, Computed
LNH|2|892.1000|Radiology|N|System, Nuclear Magnetic Resonance Imaging
IYN|2|892.1550|Radiology|N|System, Imaging, Pulsed Doppler, Ultrasonic
IYO|2|892.1560|Radiology|N|System, Imaging, Pulsed Echo, Ultrasonic
IZL|2|892.1720|Radiology|N|System, X-Ray, Mobile
KPR|2|892.1680|Radiology|N|System, X-Ray, Stationary
JAA|2|892.1650|Radiology|N|System, X-Ray, Fluoroscopic, Image-Intensified
OWB|2|892.1650|Radiology|N|Interventional Fluoroscopic X-Ray System
MUE|2|892.1715|Radiology|N|Full Field Digital, System, X-Ray, Mammographic
KPS|2|892.1200|Radiology|N|System, Tomography, Computed, Emission
LLZ|2|892.2050|Radiology|N|System, Image Processing, Radiological
# Radiotherapy and surgery
IYE|2|892.5050|Radiology|N|Accelerator, Linear, Medical
MUJ|2|892.5050|Radiology|N|System, Planning, Radiation Therapy Treatment
NAY|2|876.1500|Gastroenterology & Urology|N|System, Surgical, Computer Controlled Instrument
GEI|2|878.4400|General & Plastic Surgery|N|Electrosurgical, Cutting & Coagulation & Accessories
# Laboratory and point of care
JJE|1|862.2160|Clinical Chemistry|N|Analyzer, Chemistry (Photometric, Discrete), For Clinical Use
GKZ|2|864.5220|Hematology|N|Counter, Differential Cell
CHL|2|862.1120|Clinical Chemistry|N|Electrode Measurement, Blood-Gases (Pco2, Po2) And Blood Ph
PZI|2|862.1345|Clinical Chemistry|N|Prescription Use Blood Glucose Meter For Near-Patient Testing
# Ward
FNL|2|880.5100|General Hospital|N|Bed, Ac-Powered Adjustable Hospital
FMZ|2|880.5400|General Hospital|N|Incubator, Neonatal
FMT|2|880.5130|General Hospital|N|Warmer, Infant Radiant
NZH|2|880.6315|General Hospital|N|Medication Management System, Remote
OUG|1|880.6310|General Hospital|N|Medical Device Data System
"""
"""product code | class | regulation | specialty | life-sustaining flag | name; `-` where FDA is silent."""


def _fda(line: str) -> Product:
    """One row of the product classification; FDA lists none of these types as an implant."""
    code, device_class, *optional, device_name = line.split("|")
    regulation_number, medical_specialty, flag = (None if text == "-" else text for text in optional)
    return Product(
        product_code=code,
        device_name=device_name,
        device_class=device_class,
        regulation_number=regulation_number,
        medical_specialty=medical_specialty,
        life_sustain_support=None if flag is None else flag == "Y",
        implant=False,
        source=FDA_SOURCE,
    )


def _hospital(device_name: str) -> Product:
    return Product(product_code=None, device_name=device_name, source=HOSPITAL_SOURCE)


FDA_TYPES: tuple[Product, ...] = tuple(
    _fda(line) for line in _FDA_TABLE.splitlines() if line and not line.startswith("#")
)

HOSPITAL_TYPES: tuple[Product, ...] = (
    _hospital("Wall display"),
    _hospital("Badge reader"),
    _hospital("Environmental sensor"),
    _hospital("Nurse-call display"),
    _hospital("Asset tag reader"),
)
"""Networked things on a ward that treat, watch and diagnose nobody."""


def _demo(udi_di: str, name: str, *, brand_name: str, version_model_number: str) -> Product:
    product = next(p for p in (*FDA_TYPES, *HOSPITAL_TYPES) if name in (p.product_code, p.device_name))
    return replace(
        product,
        udi_di=udi_di,
        brand_name=brand_name,
        company_name="Example Medical (no such company)",
        version_model_number=version_model_number,
    )


DEMO_PRODUCTS: tuple[Product, ...] = (
    _demo("09521000000018", "FRN", brand_name="Example Infuse", version_model_number="EI-2000"),
    _demo("09521000000025", "CBK", brand_name="Example Breathe", version_model_number="EB-7"),
    _demo("09521000000032", "Wall display", brand_name="Example Wall", version_model_number="EW-1"),
    _demo("09521000000049", "MHX", brand_name="Example Watch", version_model_number="EM-3"),
)
"""Under GS1's prefix 952, which is reserved for examples: no real label can carry these."""
