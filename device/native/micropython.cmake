# User C module for ports that build with cmake:
#     -DUSER_C_MODULES=<tinysense>/device/native/micropython.cmake
# The core's sources are whatever lies in device/core.
get_filename_component(TINYSENSE_DEVICE ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
file(GLOB TINYSENSE_CORE_C CONFIGURE_DEPENDS
    ${TINYSENSE_DEVICE}/core/*.c ${TINYSENSE_DEVICE}/core/arch/*.c)

add_library(usermod_tinysense INTERFACE)
target_sources(usermod_tinysense INTERFACE
    ${TINYSENSE_DEVICE}/native/modtinysense.c ${TINYSENSE_CORE_C})
target_link_libraries(usermod INTERFACE usermod_tinysense)

# The core is compiled for size, and where the time goes (fast.txt, arch/) for
# speed. A fused multiply-add would round once where other boards round twice.
file(GLOB TINYSENSE_FAST_C CONFIGURE_DEPENDS ${TINYSENSE_DEVICE}/core/arch/*.c)
file(STRINGS ${TINYSENSE_DEVICE}/core/fast.txt TINYSENSE_FAST)
foreach(name IN LISTS TINYSENSE_FAST)
    list(APPEND TINYSENSE_FAST_C ${TINYSENSE_DEVICE}/core/${name}.c)
endforeach()
set_source_files_properties(${TINYSENSE_CORE_C} PROPERTIES
    COMPILE_OPTIONS "-Os;-ffp-contract=off")
set_source_files_properties(${TINYSENSE_FAST_C} PROPERTIES
    COMPILE_OPTIONS "-O2;-ffp-contract=off")
# The names in exports.def become qstrs when modtinysense.c is preprocessed:
# an edited list makes cmake look again.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${TINYSENSE_DEVICE}/native/exports.def)
set_source_files_properties(${TINYSENSE_DEVICE}/native/modtinysense.c PROPERTIES
    OBJECT_DEPENDS ${TINYSENSE_DEVICE}/native/exports.def)
