"""The table of example clips: every row is one file of `clips`. What each is for stands in README.md."""

from __future__ import annotations

from examples.cast import (
    AVA,
    AWB,
    BEN,
    BRIGHT,
    CLEO,
    DAN,
    EVE,
    FINN,
    LOUD,
    LOW,
    PLAIN,
    RMS,
    SHOUTED,
    SLT,
    WHISPERED,
)
from examples.clip import Clip, Person, Shot
from examples.expressions import Expression

HAPPY = Expression(smile=0.95, brow_raise=0.35, eye_open=0.92)
ANGRY = Expression(smile=-0.45, brow_slant=-1.0, brow_raise=-0.35, eye_open=0.85)
SURPRISED = Expression(brow_raise=1.0, mouth_open=0.62, mouth_round=0.7, eye_open=1.25)

CLIPS = (
    Clip(
        "smiling_bright.mp4",
        1,
        (Shot((Person(AVA, HAPPY, 0.75),), ((205, 220, 225), (165, 185, 190))),),
        BRIGHT,
        ("I am so happy today.", "This is a wonderful day, and I love it."),
    ),
    Clip(
        "sad_low.mp4",
        2,
        (
            Shot(
                (Person(BEN, Expression(smile=-0.9, brow_slant=0.95, eye_open=0.75), 0.55),),
                ((120, 130, 145), (90, 98, 112)),
            ),
        ),
        LOW,
        ("I feel so sad and lonely.", "I miss my best friend."),
    ),
    Clip(
        "angry_loud.mp4",
        3,
        (Shot((Person(DAN, ANGRY, 0.9),), ((190, 170, 160), (150, 130, 122))),),
        LOUD,
        ("Stop it right now.", "I am very angry, and I hate this."),
        subtitle=True,
    ),
    Clip(
        "mixed_smile.mp4",
        4,
        (
            Shot(
                (Person(CLEO, Expression(smile=0.9, brow_raise=0.2, eye_open=0.9), 0.7),),
                ((215, 205, 190), (180, 170, 158)),
            ),
        ),
        BRIGHT,
        ("Well, that was terrible.", "I am really disappointed with you."),
        subtitle=True,
    ),
    Clip("nobody.mp4", 5, (Shot(),), PLAIN, ("The train leaves at nine from the second platform.",), subtitle=True),
    Clip(
        "voice_over_still_mouth.webm",
        6,
        (Shot((Person(EVE, Expression(smile=0.1)),), ((170, 190, 170), (130, 150, 135))),),
        PLAIN,
        ("There is a letter on the kitchen table.", "Please close the window before you leave."),
    ),
    Clip(
        "silent_surprise.mp4",
        7,
        (Shot((Person(FINN, SURPRISED, onset_s=0.7),), ((180, 190, 215), (140, 150, 178))),),
        seconds=3.0,
    ),
    Clip(
        "truncated.mp4",
        8,
        (Shot((Person(AVA, Expression(smile=0.2), 0.7),), ((205, 205, 215), (160, 162, 175))),),
        PLAIN,
        ("Please wait here for a moment.", "The second half is not here."),
        kept=0.6,
    ),
    Clip(
        "two_people.mp4",
        9,
        (
            Shot(
                (
                    Person(EVE, Expression(smile=0.5), 0.75, place=(185.0, 218.0), size_px=104.0),
                    Person(DAN, place=(470.0, 205.0), size_px=92.0),
                ),
                ((210, 205, 195), (170, 165, 158)),
            ),
        ),
        SLT,
        ("My brother came home this morning.", "We are both very glad."),
        panned=-0.6,
    ),
    Clip(
        "dubbed.mp4",
        10,
        (Shot((Person(BEN, mouth_moves=0.8),), ((175, 185, 200), (140, 148, 165))),),
        RMS,
        ("The river is high, and the bridge is closed.", "We have to turn back."),
        lips=("Oh, no.", "I have never seen anything like it in my life."),
    ),
    Clip(
        "digital_silence.mp4",
        11,
        (
            Shot(
                (Person(CLEO, Expression(smile=0.85, eye_open=0.92), onset_s=0.6),), ((200, 200, 190), (160, 160, 150))
            ),
        ),
        silence=True,
        seconds=2.4,
    ),
    Clip(
        "voice_only.m4a",
        12,
        voice=AWB,
        sentences=("I was afraid of the dark when I was a child.", "Now I like to walk at night."),
    ),
    Clip(
        "开心的一天.mp4",
        13,
        (Shot((Person(FINN, HAPPY, 0.75),), ((225, 215, 200), (190, 178, 165))),),
        BRIGHT,
        ("Jin tyen jen kigh shin.", "Woh men chew gong ywen bah."),
        subtitle=True,
        subtitle_words=("今天真开心！", "我们去公园吧。"),
    ),
    Clip(
        "noisy_street.mp4",
        14,
        (Shot((Person(EVE, Expression(smile=-0.2), 0.75),), ((165, 170, 178), (125, 128, 135))),),
        SLT,
        ("I can hardly hear you from here.", "Please wait until the bus is gone."),
        noise_snr_db=8.0,
    ),
    Clip(
        "shouting.mp4",
        15,
        (Shot((Person(DAN, ANGRY, 1.0),), ((185, 160, 150), (145, 120, 112))),),
        SHOUTED,
        ("Get out of my house!", "I never want to see you again!"),
    ),
    Clip(
        "whispering.mp4",
        16,
        (
            Shot(
                (Person(CLEO, Expression(brow_raise=0.3), 0.5, place=(320.0, 200.0), size_px=165.0),),
                ((95, 100, 115), (70, 74, 88)),
            ),
        ),
        WHISPERED,
        ("Be quiet, they are asleep.", "I will tell you tomorrow."),
    ),
    Clip(
        "cut_to_listener.mp4",
        17,
        (
            Shot((Person(AVA, mouth_moves=0.75),), ((205, 220, 225), (165, 185, 190))),
            Shot(
                (Person(FINN, Expression(brow_raise=0.8, eye_open=1.15), place=(330.0, 205.0), size_px=125.0),),
                ((180, 190, 215), (140, 150, 178)),
                2.3,
            ),
        ),
        SLT,
        ("They have sold the old house.", "Nobody told us anything about it."),
    ),
    Clip(
        "face_comes_late.mp4",
        18,
        (
            Shot(),
            Shot((Person(BEN, Expression(smile=0.9), 0.7),), ((150, 165, 150), (115, 128, 115)), 2.6),
        ),
        RMS,
        ("This is the valley where I was born.", "I am proud of it."),
    ),
    Clip(
        "phone_portrait.mp4",
        19,
        (
            Shot(
                (Person(FINN, Expression(smile=0.8, brow_raise=0.2), 0.75, place=(180.0, 205.0), size_px=112.0),),
                ((200, 195, 210), (160, 155, 172)),
            ),
        ),
        AWB,
        ("Look, I have made it to the top.", "I wish you were here."),
        panned=0.0,
        size=(360, 480),
        rotated=True,
        dropped=0.25,
    ),
    Clip(
        "plain_report.mp4",
        20,
        (Shot((Person(EVE, mouth_moves=0.75),), ((190, 195, 200), (150, 156, 162))),),
        SLT,
        ("The meeting begins at ten in the morning.", "Most people will come by train."),
    ),
)

# Files that are made of nothing drawn: a second name for the bytes of another clip, and text under a video's name.
COPIES = {"smiling_bright_again.mp4": "smiling_bright.mp4"}
TEXTS = {
    "not_a_video.mp4": "This is a text file that somebody gave the name of a video.\n"
    "Nothing can be seen or heard in it.\n",
}
