using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The rules of a pod spec that people break, with kube-apiserver's paths and words (<c>pkg/apis/core/validation</c>).</summary>
internal static class PodSpecRules
{
    public static void Validate(JsonObject spec, string path, List<FieldError> errors)
    {
        var volumes = Volumes(spec, $"{path}.volumes", errors);
        var names = new HashSet<string>(StringComparer.Ordinal);
        if (!spec.Objects("containers").Any()) errors.Add(FieldError.Required($"{path}.containers", ""));
        foreach (var list in new[] { "containers", "initContainers" })
        {
            foreach (var (index, container) in spec.Objects(list)) ContainerRules.Validate(container, $"{path}.{list}[{index}]", names, volumes, errors);
        }

        OneOf(spec, "restartPolicy", path, ["Always", "OnFailure", "Never"], errors);
        OneOf(spec, "dnsPolicy", path, ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], errors);
        ObjectMetadata.Labels(spec["nodeSelector"], $"{path}.nodeSelector", errors);
        Ids(spec["securityContext"], $"{path}.securityContext", errors);
        foreach (var (index, secret) in spec.Objects("imagePullSecrets"))
        {
            if (string.IsNullOrEmpty(secret.Text("name"))) errors.Add(FieldError.Required($"{path}.imagePullSecrets[{index}].name", ""));
        }

        PlacementRules.ValidateAffinity(spec, path, errors);
        if (spec.Text("serviceAccountName") is { Length: > 0 } account) Name(account, $"{path}.serviceAccountName", Names.CheckDns1123Subdomain(account), errors);
        if (spec.Text("nodeName") is { Length: > 0 } node) Name(node, $"{path}.nodeName", Names.CheckDns1123Subdomain(node), errors);
        if (spec.Integer("activeDeadlineSeconds") is { } deadline && deadline is < 1 or > int.MaxValue)
        {
            errors.Add(FieldError.Invalid($"{path}.activeDeadlineSeconds", $"{deadline}", $"must be between 1 and {int.MaxValue}, inclusive"));
        }

        Label(spec, "hostname", path, errors);
        Label(spec, "subdomain", path, errors);
        PlacementRules.ValidateTolerations(spec, path, errors);
    }

    /// <summary>What is asked of pods and not of templates.</summary>
    public static void ValidateImages(JsonObject spec, List<FieldError> errors)
    {
        foreach (var list in new[] { "containers", "initContainers" })
        {
            foreach (var (index, container) in spec.Objects(list)) ContainerRules.ValidateImage(container, $"spec.{list}[{index}]", errors);
        }
    }

    /// <param name="allowed">In the order in which kube-apiserver names them.</param>
    public static void OneOf(JsonObject tree, string member, string path, string[] allowed, List<FieldError> errors)
    {
        if (tree[member] is null) return;
        var value = tree.Text(member) ?? tree[member]!.ToJsonString();
        if (allowed.Contains(value)) return;
        errors.Add(new FieldError(path.Length == 0 ? member : $"{path}.{member}", FieldErrorKind.NotSupported, $"\"{value}\"", $"supported values: {string.Join(", ", allowed.Select(static v => $"\"{v}\""))}"));
    }

    public static FieldError NotNegative(string path, long? value) => FieldError.Invalid(path, $"{value}", "must be greater than or equal to 0");

    public static void Name(string value, string path, IEnumerable<string> faults, List<FieldError> errors)
    {
        foreach (var fault in faults) errors.Add(FieldError.Invalid(path, $"\"{value}\"", fault));
    }

    /// <summary>Users and groups are numbers of the kernel: 0 to 2^31-1.</summary>
    public static void Ids(JsonNode? context, string path, List<FieldError> errors)
    {
        foreach (var member in new[] { "fsGroup", "runAsUser", "runAsGroup" })
        {
            if (context.Integer(member) is { } id && id is < 0 or > int.MaxValue)
            {
                errors.Add(FieldError.Invalid($"{path}.{member}", $"{id}", $"must be between 0 and {int.MaxValue}, inclusive"));
            }
        }
    }

    private static void Label(JsonObject spec, string member, string path, List<FieldError> errors)
    {
        if (spec.Text(member) is { Length: > 0 } value) Name(value, $"{path}.{member}", Names.CheckDns1123Label(value), errors);
    }

    /// <returns>The names of the volumes.</returns>
    private static HashSet<string> Volumes(JsonObject spec, string path, List<FieldError> errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, volume) in spec.Objects("volumes"))
        {
            var at = $"{path}[{index}]";
            var sources = volume.Where(static m => m.Key != "name" && m.Value is JsonObject).Select(static m => m.Key).ToList();
            foreach (var second in sources.Skip(1)) errors.Add(FieldError.Forbidden($"{at}.{second}", "may not specify more than 1 volume type"));
            foreach (var (source, member) in RequiredMembers)
            {
                if (volume.Members(source) is { } settings && string.IsNullOrEmpty(settings.Text(member))) errors.Add(FieldError.Required($"{at}.{source}.{member}", ""));
            }

            var name = volume.Text("name") ?? "";
            if (name.Length == 0) errors.Add(FieldError.Required($"{at}.name", ""));
            else if (!names.Add(name)) errors.Add(FieldError.Duplicate($"{at}.name", name));
            else Name(name, $"{at}.name", Names.CheckDns1123Label(name), errors);
        }

        return names;
    }

    private static readonly (string Source, string Member)[] RequiredMembers =
        [("secret", "secretName"), ("configMap", "name"), ("hostPath", "path"), ("persistentVolumeClaim", "claimName")];
}
