using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The rules of one container.</summary>
internal static class ContainerRules
{
    public static void Validate(JsonObject container, string path, HashSet<string> names, HashSet<string> volumes, List<FieldError> errors)
    {
        var name = container.Text("name") ?? "";
        if (name.Length == 0) errors.Add(FieldError.Required($"{path}.name", ""));
        else if (!names.Add(name)) errors.Add(FieldError.Duplicate($"{path}.name", name));
        else PodSpecRules.Name(name, $"{path}.name", Names.CheckDns1123Label(name), errors);

        var image = container.Text("image") ?? "";
        if (image.Length == 0) errors.Add(FieldError.Required($"{path}.image", ""));
        else if (image.Trim() != image) errors.Add(FieldError.Invalid($"{path}.image", $"\"{image}\"", "must not have leading or trailing whitespace"));

        PodSpecRules.OneOf(container, "imagePullPolicy", path, ["Always", "IfNotPresent", "Never"], errors);
        PodSpecRules.OneOf(container, "terminationMessagePolicy", path, ["File", "FallbackToLogsOnError"], errors);
        Ports(container, path, errors);
        Environment(container, path, errors);
        Mounts(container, path, volumes, errors);
        Resources(container, $"{path}.resources", errors);
        Probes(container, path, errors);
        PodSpecRules.Ids(container["securityContext"], $"{path}.securityContext", errors);
    }

    private static void Ports(JsonObject container, string path, List<FieldError> errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, port) in container.Objects("ports"))
        {
            var at = $"{path}.ports[{index}]";
            if (port.Text("name") is { Length: > 0 } name && !names.Add(name)) errors.Add(FieldError.Duplicate($"{at}.name", name));
            var number = port.Integer("containerPort");
            if (number is null or 0) errors.Add(FieldError.Required($"{at}.containerPort", ""));
            else if (number is < 1 or > 65535) errors.Add(FieldError.Invalid($"{at}.containerPort", $"{number}", "must be between 1 and 65535, inclusive"));
            PodSpecRules.OneOf(port, "protocol", at, ["SCTP", "TCP", "UDP"], errors);
        }
    }

    private static void Environment(JsonObject container, string path, List<FieldError> errors)
    {
        foreach (var (index, variable) in container.Objects("env"))
        {
            var at = $"{path}.env[{index}]";
            var name = variable.Text("name") ?? "";
            if (name.Length == 0) errors.Add(FieldError.Required($"{at}.name", ""));
            else if (name.Contains('=', StringComparison.Ordinal) || name.Any(char.IsControl)) PodSpecRules.Name(name, $"{at}.name", Names.CheckEnvironmentName(name), errors);
            if (!string.IsNullOrEmpty(variable.Text("value")) && variable.Members("valueFrom") is { Count: > 0 })
            {
                errors.Add(FieldError.Invalid($"{at}.valueFrom", "\"\"", "may not be specified when `value` is not empty"));
            }
        }

        foreach (var (index, source) in container.Objects("envFrom"))
        {
            if (source.Members("configMapRef") is null && source.Members("secretRef") is null)
            {
                errors.Add(FieldError.Invalid($"{path}.envFrom[{index}]", "\"\"", "must specify one of: `configMapRef` or `secretRef`"));
            }
        }
    }

    private static void Mounts(JsonObject container, string path, HashSet<string> volumes, List<FieldError> errors)
    {
        var places = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, mount) in container.Objects("volumeMounts"))
        {
            var at = $"{path}.volumeMounts[{index}]";
            var name = mount.Text("name") ?? "";
            if (name.Length == 0) errors.Add(FieldError.Required($"{at}.name", ""));
            else if (!volumes.Contains(name)) errors.Add(FieldError.NotFound($"{at}.name", name));
            var place = mount.Text("mountPath") ?? "";
            if (place.Length == 0) errors.Add(FieldError.Required($"{at}.mountPath", ""));
            else if (!places.Add(place)) errors.Add(FieldError.Invalid($"{at}.mountPath", $"\"{place}\"", "must be unique"));
            if (mount.Text("subPath") is { } inner && (inner.StartsWith('/') || inner.Split('/').Contains("..")))
            {
                errors.Add(FieldError.Invalid($"{at}.subPath", $"\"{inner}\"", "must be a relative path that does not contain '..'"));
            }
        }
    }

    private static void Resources(JsonObject container, string path, List<FieldError> errors)
    {
        foreach (var side in new[] { "limits", "requests" })
        {
            foreach (var (resource, value) in container.Members("resources", side) ?? [])
            {
                var at = $"{path}.{side}[{resource}]";
                foreach (var fault in Names.CheckQualifiedName(resource)) errors.Add(FieldError.Invalid($"{path}.{side}", $"\"{resource}\"", fault));
                if (!Quantity.TryParse(value.Print(), out var amount, out var broken)) errors.Add(FieldError.Invalid(at, $"\"{value.Print()}\"", broken));
                else if (amount.Sign < 0) errors.Add(FieldError.Invalid(at, $"\"{value.Print()}\"", "must be greater than or equal to 0"));
                else if (side == "requests") WithinLimit(container, path, resource, amount, errors);
            }
        }
    }

    private static void WithinLimit(JsonObject container, string path, string resource, Quantity request, List<FieldError> errors)
    {
        var text = container.At("resources", "limits", resource).Print();
        if (!Quantity.TryParse(text, out var limit, out _)) return;
        if (request > limit) errors.Add(FieldError.Invalid($"{path}.requests", $"\"{request}\"", $"must be less than or equal to {resource} limit of {limit}"));
    }

    private static void Probes(JsonObject container, string path, List<FieldError> errors)
    {
        foreach (var probe in new[] { "livenessProbe", "readinessProbe", "startupProbe" })
        {
            if (container.Members(probe) is not { } settings) continue;
            foreach (var member in new[] { "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold" })
            {
                if (settings.Integer(member) < 0) errors.Add(PodSpecRules.NotNegative($"{path}.{probe}.{member}", settings.Integer(member)));
            }

            if (probe != "readinessProbe" && settings.Integer("successThreshold") is { } successes && successes != 1)
            {
                errors.Add(FieldError.Invalid($"{path}.{probe}.successThreshold", $"{successes}", "must be 1"));
            }

            if (!new[] { "exec", "httpGet", "tcpSocket", "grpc" }.Any(h => settings.Members(h) is not null))
            {
                errors.Add(FieldError.Required($"{path}.{probe}", "must specify a handler type"));
            }
        }
    }
}
