using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>The settings of a pod that this node takes and does not carry out: said in one event, so that nobody counts on them. Pure.</summary>
internal static class UnmetSettings
{
    /// <summary>The fields, each with what holds instead.</summary>
    public static IEnumerable<string> Of(PodSpecView pod, SandboxMode mode)
    {
        if (pod.Spec.Flag("hostPID") == true) yield return "hostPID (each container has a process tree of its own)";
        if (pod.Spec.Flag("hostIPC") == true) yield return "hostIPC (the pod has its own)";
        if (pod.Spec.Flag("shareProcessNamespace") == true) yield return "shareProcessNamespace (each container has a process tree of its own)";
        foreach (var unmet in Profiles(pod.Spec.At("securityContext"), "securityContext")) yield return unmet;
        foreach (var sysctl in pod.Spec.Items("securityContext", "sysctls").Where(static s => !PodSysctls.IsSafe(s.Text("name") ?? ""))) yield return $"securityContext.sysctls[{sysctl.Text("name")}] (it is none of the safe ones)";
        foreach (var container in pod.Containers)
        {
            var at = $"{(container.IsInit ? "initContainers" : "containers")}[{container.Name}]";
            foreach (var unmet in Profiles(container.Spec.At("securityContext"), $"{at}.securityContext")) yield return unmet;
            if (container.Spec.Flag("securityContext", "privileged") == true && mode != SandboxMode.Root) yield return $"{at}.securityContext.privileged (nothing here has rights over the machine)";
            if (container.Spec.At("resources", "limits").Has("ephemeral-storage")) yield return $"{at}.resources.limits.ephemeral-storage (what a container writes is memory, and counts into its limit of that)";
            foreach (var mount in container.Spec.Items("volumeMounts"))
            {
                if (mount.Text("mountPropagation") is "HostToContainer" or "Bidirectional") yield return $"{at}.volumeMounts[{mount.Text("name")}].mountPropagation (mounts stay where they are made)";
                if (mount.Text("recursiveReadOnly") == "Enabled") yield return $"{at}.volumeMounts[{mount.Text("name")}].recursiveReadOnly (what is mounted further down is not read-only)";
            }
        }
    }

    private static IEnumerable<string> Profiles(JsonElement context, string at)
    {
        if (context.Text("seccompProfile", "type") is "RuntimeDefault" or "Localhost") yield return $"{at}.seccompProfile (no system call is filtered)";
        if (context.Text("appArmorProfile", "type") is "RuntimeDefault" or "Localhost") yield return $"{at}.appArmorProfile (no profile is loaded)";
        if (context.Has("seLinuxOptions")) yield return $"{at}.seLinuxOptions (no labels are set)";
    }
}
