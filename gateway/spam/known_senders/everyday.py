"""Names of well-known senders that are also somebody's first or last name, or a word of everyday: who goes by one of
these borrows nothing."""

from __future__ import annotations

from typing import Final

_EVERYDAY: Final = """
    accent admin advance ahern albert alexa alison allen alpha angel aster audio august author avery bailey bedford
    bella benton billy black blade blend board bonus books boost boots bower brain brand brave bread brian bring brown
    buddy build bunny burst burton buyer cable calls cameo camp canon cards carla carter casper catalog chain champion
    change charles chase check child choice chromatic cinema circle city claire clara clash class classic claude clear
    clerk click client cline clock close cloud coach color comet comma community compass connect connor contact
    content cooper copper coral costa count cover craft crash cream create credit cross crowd crown crystal cycle
    daily daisy dance delivery delta desert design desktop developer dialog diana dictionary digital direct dirk disco
    discover dollar domain donor dotcom douglas dream dreams drift drive dwell eagle earth editor education elite
    emerald emily energy engine enterprise entire equity event events every evite exact example exchange expert
    explore express extra falcon family fashion felix ferrari festival finance first fisher fitness flash fletcher
    flight flood floor flower fluke focus force forest forever format forms forum forward fossil frame freedom fresh
    friend friends front future galaxy gallery games garden gemini general genesis genius george giordano glass global
    globe golden grace grand grant graph green ground group growth guard guest guide guides habit hamilton harbor
    harmony harvest headline healthcare heart height helpdesk helper henderson heritage hermes hidden history holiday
    homes honest honey horizon hosting hotel hotels house hover human hunter image images impact index infinity ingo
    insider insight insights inspire instant island james jenkins jewel joker jonathan jones jordan journal jovian
    julia julian junior justice justin karen kayak keeper kernel keyboard knight label laser latest launch laura
    lawrence lawyer leader league legal legend leonardo letter level liberty library light limit links linux listen
    local locker logic login lottery lotus lovely loyal lucky lumen lunar magic magnet magnum mail maker manager marco
    marcos marcus maria marina market marketing marko martin master match matrix matter media medicare melissa memory
    mentor mercy merit metro michael michaels midas middle miles million milton mines minister mirror mobile model
    modern modus molly moment money monitor monster month morgan morning motion motor mountain movie movies mueller
    music nation national natural nature needle nelson network never newspaper nicolas night noble normal norman north
    norton notes notice notion number ocean office officer olive oliver omega online onyx optima option oracle orange
    orbit order orders origin oscar other outlook outside owner oxygen pablo paint panda paper parade parent parker
    parking parts party patrick pattern pause payment payments peace pearl pearson pencil penny people perfect person
    personal peter phoenix phone photo photos phrase piano picture pilot pioneer pixel place planet plant plastic
    platform player plaza please pocket point police portal position post power premier present president press prime
    prince print printer priority privacy private prize problem product profile profit program progress project
    promise prompt proof property public pulse purple python quest question quick quill radar radio rainbow raven
    ready rebel record recruit referral region register relay remote rental report republic research reserve resident
    resource response result retail review reward rewards richard riddle right river robin robinson rocket roger
    rogers roland roman rose rosen round route royal ruby russell safari safety sales salvatore sample saturn scale
    scene school science scope score scout screen script search second secret secure select senior sense server
    service services session setting settings shane share sharp shell shelter shield shift shine shipping shop
    shopping short siemon sierra sigma signal silver simon simone simple single skill sleep smart smith smooth social
    society socket sofia solar solid solution sonic sound source south space spark speak special speed spirit splash
    sport sports spring springer square stage stand standard start state station status steam steel stella stellar
    stone storage store storm story strategy stream street strike strong student studio study style submit success
    sugar summer summit sunny super supply support surface survey sutton suzuki swift switch system table tango tapas
    target taste taylor teacher team techno temple terra test theater theme thing think tiger times title today token
    tommy tomorrow topic total touch tower track trade trader trades trading trail train training travel treasure
    trend tribune trident trust truth tutor twist ultra umbrella under union unique united unity update updates urban
    user users vacation value vector vehicle venture venus verge victor victory video videos view village vintage
    virginia vision vista visual vital vivid voice volume voyage walker wallet warning watch water weather wedding
    weekend weekly welcome wells whale wheel white williams window windows winner winter wisdom wonder wonders world
    writer xenon yellow young youth zebra zenith zero
"""
EVERYDAY: Final = frozenset(_EVERYDAY.split())
