"""What x264 and x265 say of themselves in user_data_unregistered: name, version, copyright, address, options.

Exactly the sentence that these encoders write, word by word: known names of options, with numbers and known words as
their values. Free text (zones, file names) is none of it.
"""

from __future__ import annotations

import re

# x264's x264_param2string: each with a value.
_X264 = """
    8x8dct analyse aq b_adapt b_bias b_pyramid bframes bitrate bluray_compat cabac chroma_me chroma_qp_offset cll
    constrained_intra cplxblur cqm crf crf_max crop_rect deadzone deblock decimate direct fast_pskip filler
    frame-packing interlaced intra_refresh ip_ratio keyint keyint_min lookahead_threads mastering-display mbtree me
    me_range mixed_ref nal_hrd nr open_gop opencl pb_ratio psy psy_rd qblur qcomp qp qpmax qpmin qpstep ratetol rc
    rc_lookahead ref scenecut slice_max_mbs slice_max_size slice_min_mbs sliced_threads slices slices_max stitchable
    subme threads trellis vbv_bufsize vbv_maxrate weightb weightp
"""
# x265's x265_param2string: many without a value, which "no-" before them denies.
_X265 = """
    allow-non-conformance amp analysis-load-reuse-level analysis-reuse-level analysis-save-reuse-level
    analyze-src-pics annexb aq-mode aq-motion aq-strength aud b-adapt b-intra b-pyramid bframe-bias bframes
    bitdepth bitrate bitrate-factor bottom cbqpoffs chromaloc chunk-end chunk-start cll colormatrix colorprim
    const-vbv constrained-intra copy-pic cplxblur cpuid crf crf-max crf-min crqpoffs ctu ctu-info cu-lossless
    cutree deblock decoder-max-rate dhdr10-opt display-window dup-threshold dynamic-rd dynamic-refine early-skip
    eob eos fast-intra field fps frame-dup frame-rc frame-threads gop-lookahead hash hdr10 hdr10-opt hevc-aq
    high-tier hist-scenecut hist-threshold hme hrd idr-recovery-sei info input-csp input-res interlace
    intra-refresh ipratio keyint left level-idc limit-modes limit-refs limit-sao limit-tu log-level
    log2-max-poc-lsb lookahead-slices lossless lowpass-dct master-display max-ausize-factor max-luma max-merge
    max-tu-size max-vbv-fullness mcstf me merange min-cu-size min-keyint min-luma min-vbv-fullness
    multi-pass-opt-analysis multi-pass-opt-distortion multi-pass-opt-rps nr-inter nr-intra numa-pools open-gop
    opt-cu-delta-qp opt-qp-pps opt-ref-list-length-pps overscan overscan-crop pbratio pme pmode psnr psy-rd
    psy-rdoq qblur qcomp qg-size qp qp-adaptation-range qpmax qpmin qpstep radl range rc rc-grain rc-lookahead rd
    rd-refine rdoq-level rdpenalty rect ref refine-analysis-type refine-ctu-distortion refine-inter refine-intra
    refine-mv repeat-headers right rskip rskip-edge-threshold sao sao-non-deblock sar sbrc scale-factor scenecut
    scenecut-aware-qp scenecut-bias selective-sao signhide single-sei slices slow-firstpass splice splitrd-skip
    ssim ssim-rd stats-read stats-write strict-cbr strong-intra-smoothing subme svt temporal-layers temporal-mvp
    top total-frames transfer tskip tskip-fast tu-inter-depth tu-intra-depth uhd-bd vbv-bufsize vbv-end
    vbv-end-fr-adj vbv-init vbv-live-multi-pass vbv-maxrate videoformat vui-hrd-info vui-timing-info weightb
    weightp wpp zone-count
"""
_NUMBER = r"-?(?:0x[0-9a-f]{1,8}|\d{1,10}(?:\.\d{1,6})?)"
_DISPLAY = r"G\(\d+,\d+\)B\(\d+,\d+\)R\(\d+,\d+\)WP\(\d+,\d+\)L\(\d+,\d+\)"
_WORDS = "dia|hex|umh|esa|tesa|tff|bff|fake|infinite|2pass|cbr|abr|crf|cqp|none|vbr"
_VALUE = f"(?:{_NUMBER}(?:[:,x/]{_NUMBER}){{0,3}}|{_DISPLAY}|{_WORDS})"


def _any_of(names: str) -> str:
    return f"(?:{'|'.join(re.escape(name) for name in names.split())})"


_BANNERS = (
    re.compile(
        rb"\xdcE\xe9\xbd\xe6\xd9H\xb7\x96,\xd8 \xd9#\xee\xef"  # the UUID that each of them has
        + (
            r"x264 - core \d{1,4}(?: r\d{1,5}(?:[M+]\d{0,4})?(?: [0-9a-f]{7,12})?)? - H\.264/MPEG-4 AVC codec"
            r" - Copy(?:left|right) 2003-20\d\d - http://www\.videolan\.org/x264\.html - options:"
            rf"(?: {_any_of(_X264)}={_VALUE})*\0?"
        ).encode()
    ),
    re.compile(
        rb",\xa2\xde\x09\xb5\x17G\xdb\xbbU\xa4\xfe\x7f\xc2\xfcN"
        + (
            r"x265 \(build \d{1,4}\) - \d{1,2}\.\d{1,2}(?:\+\d{1,4}(?:-g?[0-9a-f]{7,12})?)?:"
            r"\[(?:Linux|Windows|Mac OS X|Unk-OS)\]\[(?:GCC|clang|MSVC|ICC) [\d.]{1,10}\]\[(?:32|64) bit\]"
            r"(?:\[noasm\])? \d{1,2}bit(?:\+\d{1,2}bit)* - H\.265/HEVC codec"
            r" - Copyright 20\d\d-20\d\d \(c\) Multicoreware, Inc"
            r" - http://x265\.org - options:"
            # Some versions write the next words without a space before them.
            rf"(?: (?:no-)?{_any_of(_X265)}(?:={_VALUE})?(?:conformance-window-offsets)?)*\0?"
        ).encode()
    ),
)


def is_banner(payload: bytes) -> bool:
    """Whether the payload of a user_data_unregistered message is such a sentence and nothing else."""
    return any(banner.fullmatch(payload) for banner in _BANNERS)
