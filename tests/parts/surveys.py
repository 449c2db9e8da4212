"""A small table of each layout of each survey that is recognised; names are the surveys', values made up."""

_ZTF_ALERT = "candid,jd,fid,magpsf,sigmapsf,isdiffpos,diffmaglim,ra,dec,rb"
SAMPLES: dict[str, tuple[str, str]] = {
    "atlas": (
        "atlas",
        "###MJD m dm uJy duJy F err chi/N RA Dec x y maj min phi apfit mag5sig Sky Obs\n"
        "60316.142545 17.349 0.089 417 37 o 0 28.03 65.0 -54.9 9674.06 2072.74 2.51 1.85 76.9 -0.504 19.34 20.8 04a\n"
        "60316.145763 -17.672 0.077 -310 24 c 0 29.48 65.0 -54.9 9692.04 2109.54 2.83 2.47 -29.0 -0.366 19.3 "
        "20.9 04b\n",
    ),
    "ztf forced photometry": (
        "ztf",
        "index,field,filter,jd,zpdiff,forcediffimflux,forcediffimfluxunc,exptime,infobitssci,procstatus\n"
        "0,600,ZTF_g,2460950.75,26.2,1500.0,50.0,30.0,0,0\n"
        "1,600,ZTF_r,2460950.76,26.3,25.0,40.0,30.0,0,0\n"
        "2,600,ZTF_r,2460951.76,26.3,null,null,30.0,0,56\n"
        "3,600,ZTF_r,2460952.76,26.3,1500.0,40.0,30.0,33554432,0\n",
    ),
    "ztf at irsa": (
        "ztf",
        "oid,expid,hjd,mjd,mag,magerr,catflags,filtercode,ra,dec,limitmag,exptime\n"
        "1,101,2458000.503,58000.0,15.00,0.010,0,zg,187.2,2.05,20.7,30\n",
    ),
    "alerce detections": (
        "alerce",
        "oid,candid,mjd,fid,magpsf,sigmapsf,magpsf_corr,sigmapsf_corr,sigmapsf_corr_ext,isdiffpos,corrected,dubious\n"
        "ZTF1,1,58000.1,1,18.1,0.05,17.1,0.02,0.03,1,True,False\n"
        "ZTF1,2,58001.1,2,19.1,0.15,17.3,0.02,0.03,-1,True,False\n",
    ),
    "alerce, new names": (
        "alerce",
        "oid,candid,mjd,fid,mag,e_mag,mag_corr,e_mag_corr,e_mag_corr_ext,isdiffpos,corrected,dubious\n"
        "ZTF1,1,58000.1,g,18.1,0.05,17.1,0.02,0.03,1,True,False\n",
    ),
    "alerce non-detections": ("alerce", "oid,mjd,fid,diffmaglim\nZTF1,58000.1,1,20.1\n"),
    "fink": (
        "fink",
        "i:objectId,i:jd,i:fid,i:magpsf,i:sigmapsf,i:isdiffpos,i:diffmaglim,d:tag\n"
        "ZTF1,2458000.6,1,18.1,0.05,t,20.5,valid\n"
        "ZTF1,2458001.6,2,,,,20.6,upperlim\n"
        "ZTF1,2458002.6,2,18.3,0.05,t,20.6,badquality\n",
    ),
    "lasair, jd": ("lasair", f"{_ZTF_ALERT}\n1,2458000.6,1,18.1,0.05,t,20.5,10,20,0.9\n,2458001.6,2,,,,20.1,,,\n"),
    "lasair, mjd": ("lasair", f"{_ZTF_ALERT}\n1,58000.1,1,18.1,0.05,t,20.5,10,20,0.9\n".replace(",jd,", ",mjd,")),
    "asassn 1": (
        "asassn",
        "HJD,UT Date,Camera,FWHM,Limit,mag,mag_err,flux(mJy),flux_err,Filter\n"
        "2458000.47009,2017-09-03.9710173,be,1.77,15.518,14.839,0.117,4.448,0.477,V\n"
        "2458002.51020,2017-09-06.0112978,be,2.03,14.814,>14.814,99.990,4.020,0.911,V\n",
    ),
    "asassn 2": (
        "asassn",
        "# ASAS-SN Sky Patrol\n\nJD,Flux,Flux Error,Mag,Mag Error,Limit,FWHM,Filter,Quality,Camera\n"
        "2457148.1143957,26.0455,0.13,12.9204,0.0054,16.9278,1.70,V,G,ba\n"
        "2457149.1143957,0.0455,0.13,16.9,99.99,16.9,1.70,V,G,ba\n",
    ),
    "asassn client": (
        "asassn",
        "asas_sn_id,jd,flux,flux_err,mag,mag_err,limit,fwhm,image_id,camera,quality,phot_filter\n"
        "1,2457148.1143957,26.0455,0.13,12.9204,0.0054,16.9278,1.70,i1,ba,G,g\n",
    ),
    "gaia": (
        "gaia",
        "Gaia15adl\n#Date,JD(TCB),averagemag.\n2014-08-02 20:49:51,2456872.36795,19.12\n"
        "2014-08-03 02:44:29,2456872.61422,untrusted\n",
    ),
    "aavso download": (
        "aavso",
        "JD,Magnitude,Uncertainty,HQuncertainty,Band,Observer Code,Comment Code(s),Comp Star 1,Star "
        "Name,Measurement Method\n"
        "2459454.919896,14.844,0.088,,V,HMB,,UCAC4,X,STD\n2459455.9,<15.1,,,Vis.,HMB,,UCAC4,X,STD\n",
    ),
    "aavso extended": (
        "aavso",
        "#TYPE=EXTENDED\n#OBSCODE=XXX\n#SOFTWARE=TEST\n#DELIM=,\n#DATE=JD\n#OBSTYPE=CCD\n"
        "#NAME,DATE,MAG,MERR,FILT,TRANS,MTYPE,CNAME,CMAG,KNAME,KMAG,AMASS,GROUP,CHART,NOTES\n"
        "SS CYG,2458000.51180,11.235,0.003,B,NO,STD,105,na,110,na,1.561,na,X1,na\n"
        "SS CYG,2458000.51180,<13.1,na,V,NO,STD,105,na,110,na,1.561,na,X1,na\n",
    ),
    "aavso visual": (
        "aavso",
        "#TYPE=VISUAL\n#OBSCODE=XYZ\n#SOFTWARE=none\n#DELIM=,\n#DATE=JD\n#OBSTYPE=Visual\n"
        "SS CYG,2459000.6,12.1,na,120,122,070613,clear, no moon\nSS CYG,2459001.6,<14.0,na,140,na,070613,na\n",
    ),
    "ps1": (
        "ps1",
        "objID,detectID,filterID,obsTime,ra,dec,psfFlux,psfFluxErr,psfQfPerfect,apFlux,apFluxErr,infoFlag\n"
        "1,1,2,56000.1,150.1,2.1,0.0005,0.00001,0.99,0.0005,0.00001,35\n"
        "1,2,1,56000.2,150.1,2.1,0.0004,0.00001,0.99,0.0005,0.00001,2083\n"
        "1,3,1,56000.3,150.1,2.1,-999.0,-999.0,0.99,-999.0,-999.0,35\n",
    ),
    "rubin forced": (
        "rubin",
        "diaObjectId,visit,detector,band,midpointMjdTai,psfDiffFlux,psfDiffFluxErr,psfFlux,psfFluxErr,psfDiffFlux_flag\n"
        "1,20241,94,g,60650.1,1050.5,100.5,3050.1,101.1,False\n1,20242,94,r,60651.1,-50.5,100.5,3050.1,101.1,False\n"
        "1,20243,94,r,60652.1,0.5,100.5,3050.1,101.1,True\n",
    ),
    "rubin forced, visits": (
        "rubin",
        "objectId,band,expMidptMJD,psfDiffFlux,psfDiffFluxErr\n1,g,60650.1,1050.5,100.5\n",
    ),
    "rubin dia sources": (
        "rubin",
        "diaObjectId,diaSourceId,band,midpointMjdTai,psfFlux,psfFluxErr,scienceFlux,snr\n1,2,g,60650.1,1050.5,100.5,9,10\n",
    ),
    "fink, rubin": ("fink", "r:diaObjectId,r:band,r:midpointMjdTai,r:psfFlux,r:psfFluxErr\n1,g,60650.1,1050.5,100.5\n"),
    "swift": (
        "swift",
        "# SN2004dj magnitudes from Swift UVOT\n# generated by version 2015.1\n# of Peter Brown's photometry pipeline\n"
        "# Filter MJD[days] Mag MagErr 3SigMagLim 0.98SatLim[mag] Rate[c/s] RateErr[c/s] Ap[arcsec] Frametime[s] "
        "Exp[s] "
        "Telapse[s]\n"
        "UVW2 53200.1 15.10 0.05 20.10 11.1 5.1 0.1 3.0 0.011 300.5 301.0\n"
        "UVM2 53200.2 NULL NULL 19.90 11.0 NULL NULL 3.0 0.011 200.5 201.0\n",
    ),
    "snana": (
        "snana",
        "SURVEY: PS1MD\nSNID: 16bc\nFAKE: 0\nNOBS: 2\nNVAR: 7\nVARLIST:  MJD  FLT FIELD FLUXCAL FLUXCALERR MAG MAGERR\n"
        "OBS: 57422.54 g NULL  21576.285 214.793 16.665 0.011\nOBS: 57428.47 r NULL  12.0 229.733 128.0 "
        "9.9\nEND_PHOTOMETRY:\n",
    ),
    "snana, bands": (
        "snana",
        "SNID: 16bc\nVARLIST: MJD BAND FIELD FLUXCAL FLUXCALERR\nOBS: 57422.54 g NULL 21576.285 214.793\nEND:\n",
    ),
    "skyportal": (
        "skyportal",
        "id,obj_id,mjd,filter,mag,magerr,limiting_mag,magsys,instrument_name,origin,created_at\n"
        "1,ZTF1,58000.1,ztfg,18.1,0.05,20.5,ab,ZTF,,2024-01-01T00:00:00\n"
        "2,ZTF1,58001.1,ztfr,,,20.4,ab,ZTF,,2024-01-01T00:00:00\n",
    ),
    "skyportal fluxes": (
        "skyportal",
        "id,obj_id,mjd,filter,flux,fluxerr,zp,magsys,instrument_name\n1,ZTF1,58000.1,ztfg,100.0,5.0,23.9,ab,ZTF\n",
    ),
    "oac": (
        "oac",
        '{"SN2011fe": {"name": "SN2011fe", "photometry": ['
        '{"time": "55797.2", "u_time": "MJD", "band": "V", "magnitude": "14.1", "e_magnitude": "0.05", "source": "1"},'
        '{"time": "55796.2", "u_time": "MJD", "band": "V", "magnitude": "19.1", "upperlimit": true, "source": "1"},'
        '{"time": "55799.2", "u_time": "MJD", "fluxdensity": "0.1", "frequency": "5.5", "source": "2"}]}}',
    ),
    "oac, csv": (
        "oac",
        "event,time,magnitude,e_magnitude,upperlimit,band,instrument,telescope,source\n"
        "SN2011fe,55797.2,14.1,0.05,F,V,,PTF,1\nSN2011fe,55796.2,19.1,,T,V,,PTF,1\n",
    ),
    "neowise": (
        "neowise",
        "ra,dec,mjd,w1mpro,w1sigmpro,w1snr,w2mpro,w2sigmpro,cc_flags,qual_frame,qi_fact,moon_masked\n"
        "10.6,41.2,58000.25,14.231,0.031,35.0,16.011,,0000,10,1.0,00\n",
    ),
    "bhtom": (
        "bhtom",
        "MJD;Magnitude;Error;Facility;Filter;Observer\n60000.5;18.2;0.05;ZTF;ZTF(zr);X\n60001.5;20.4;-1.0;ZTF;r;X\n",
    ),
}
"""The survey's name, as ``--format`` takes it, and the text of the file."""
