using System.Globalization;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>What is odd about a pod template that launcher and workers share.</summary>
internal static class SharedTemplateAdvice
{
    public static void Give(JsonElement template, string path, Advice advice)
    {
        var index = 0;
        foreach (var volume in template.Items("spec", "volumes"))
        {
            if (volume.Has("hostPath")) advice.Warn("M01", string.Create(CultureInfo.InvariantCulture, $"{path}.spec.volumes[{index}].hostPath"), "is forbidden where Pod Security is baseline or restricted");
            index++;
        }

        if (!template.Items("spec", "containers").FirstOrDefault().Items("command").Any())
        {
            advice.Warn("M02", $"{path}.spec.containers[0]", "has no command: the launcher runs the image's own", "Write command: [mpiexec] with its arguments in args.");
        }
    }
}
