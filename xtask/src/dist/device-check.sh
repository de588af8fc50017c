#!/bin/sh
# Checks this machine's GPUs: which there are, whether they compute right, and how fast. Needs nothing but a graphics driver.
#
#     ./device-check.sh [FOLDER FOR THE RESULTS] [options of `patchcore device-check`]
#
# The results are device-check.json and device-check.md. VK_DRIVER_FILES=/path/to/driver.json names a driver that is not found.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=device-check-results
case "${1-}" in
    ''|-*) ;;
    *) out=$1; shift ;;
esac
mkdir -p "$out"

# The system's own Vulkan loader first: it is as new as its drivers. The one in `lib` is for a machine without any.
libraries="/usr/lib/x86_64-linux-gnu /lib/x86_64-linux-gnu /usr/lib64 /lib64 /usr/lib /usr/local/lib /usr/local/nvidia/lib64 /run/opengl-driver/lib"
loader=
for folder in $libraries; do
    if [ -e "$folder/libvulkan.so.1" ]; then loader=$folder/libvulkan.so.1; break; fi
done
if [ -z "$loader" ]; then
    loader=$here/lib/libvulkan.so.1
    LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export LD_LIBRARY_PATH
fi
echo "Vulkan loader: $loader"

# Drivers: the manifests that are named, else those in the usual folders, which the loader finds by itself.
if [ -z "${VK_DRIVER_FILES-}${VK_ICD_FILENAMES-}" ]; then
    manifests=
    for folder in /etc/vulkan/icd.d /usr/local/etc/vulkan/icd.d /usr/local/share/vulkan/icd.d /usr/share/vulkan/icd.d \
        /run/opengl-driver/share/vulkan/icd.d; do
        for manifest in "$folder"/*.json; do
            if [ -e "$manifest" ]; then manifests=$manifests${manifests:+:}$manifest; fi
        done
    done
    # A container may have NVIDIA's library and not its manifest.
    case "$manifests" in
        *nvidia*) ;;
        *)
            for folder in $libraries; do
                for library in "$folder"/libGLX_nvidia.so.0 "$folder"/libEGL_nvidia.so.0; do
                    if [ -e "$library" ]; then
                        manifest=$(CDPATH='' cd -- "$out" && pwd)/nvidia_icd.json
                        printf '{"file_format_version":"1.0.0","ICD":{"library_path":"%s","api_version":"1.3.0"}}\n' "$library" \
                            > "$manifest"
                        manifests=$manifest${manifests:+:}$manifests
                        break 2
                    fi
                done
            done
            ;;
    esac
    if [ -n "$manifests" ]; then
        # The second name is for loaders before 1.3.207.
        VK_DRIVER_FILES=$manifests
        VK_ICD_FILENAMES=$manifests
        export VK_DRIVER_FILES VK_ICD_FILENAMES
    fi
fi
echo "Vulkan drivers: ${VK_DRIVER_FILES-${VK_ICD_FILENAMES-none found}}"

exec "$here/patchcore" device-check --from "$here/data" -o "$out" "$@"
