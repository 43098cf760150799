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
        else PodSpecRules.Name(name, $"{path}.name", Names.CheckDns1123Label(name), errors);
        if (string.IsNullOrEmpty(container.Text("image"))) errors.Add(FieldError.Required($"{path}.image", ""));
        PodSpecRules.OneOf(container, "terminationMessagePolicy", path, ["File", "FallbackToLogsOnError"], errors);
        Ports(container, path, errors);
        Environment(container, path, errors);
        Mounts(container, path, volumes, errors);
        PodSpecRules.OneOf(container, "imagePullPolicy", path, ["Always", "IfNotPresent", "Never"], errors);
        Resources(container, $"{path}.resources", errors);
        PodSpecRules.Ids(container["securityContext"], $"{path}.securityContext", errors);
        if (name.Length > 0 && !names.Add(name)) errors.Add(FieldError.Duplicate($"{path}.name", name));
        Hooks(container, path, errors);
        Probes(container, path, errors);
    }

    /// <summary>The one rule about images, which stands apart because kube-apiserver asks it last, and of pods alone, not of templates.</summary>
    public static void ValidateImage(JsonObject container, string path, List<FieldError> errors)
    {
        if (container.Text("image") is { Length: > 0 } image && image.Trim() != image) errors.Add(FieldError.Invalid($"{path}.image", $"\"{image}\"", "must not have leading or trailing whitespace"));
    }

    private static void Ports(JsonObject container, string path, List<FieldError> errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, port) in container.Objects("ports"))
        {
            var at = $"{path}.ports[{index}]";
            if (port.Text("name") is { Length: > 0 } name)
            {
                var faults = Names.CheckPortName(name);
                PodSpecRules.Name(name, $"{at}.name", faults, errors);
                if (faults.IsEmpty && !names.Add(name)) errors.Add(FieldError.Duplicate($"{at}.name", name));
            }

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
            // kube-apiserver's path leaves out which mount it is.
            if (mount.Text("subPath") is not { Length: > 0 } inner) continue;
            if (inner.StartsWith('/')) errors.Add(FieldError.Invalid($"{path}.volumeMounts.subPath", $"\"{inner}\"", "must be a relative path"));
            if (inner.Split('/').Contains("..")) errors.Add(FieldError.Invalid($"{path}.volumeMounts.subPath", $"\"{inner}\"", "must not contain '..'"));
        }
    }

    private static void Resources(JsonObject container, string path, List<FieldError> errors)
    {
        foreach (var side in new[] { "limits", "requests" })
        {
            foreach (var (resource, value) in container.Members("resources", side) ?? [])
            {
                var at = $"{path}.{side}[{resource}]";
                foreach (var fault in ResourceNames.Check(resource)) errors.Add(FieldError.Invalid(at, $"\"{resource}\"", fault));
                if (!Quantity.TryParse(value.Print(), out var amount, out var broken)) errors.Add(FieldError.Invalid(at, $"\"{value.Print()}\"", broken));
                else if (amount.Sign < 0) errors.Add(FieldError.Invalid(at, $"\"{value.Print()}\"", "must be greater than or equal to 0"));
                else if (ResourceNames.IsExtended(resource) && amount != Quantity.FromUnits(amount.Units)) errors.Add(FieldError.Invalid(at, $"\"{amount}\"", "must be an integer"));
                if (side == "requests" && broken is null) WithinLimit(container, path, resource, amount, errors);
            }
        }
    }

    private static void WithinLimit(JsonObject container, string path, string resource, Quantity request, List<FieldError> errors)
    {
        var text = container.At("resources", "limits", resource).Print();
        if (!Quantity.TryParse(text, out var limit, out _))
        {
            // What cannot be shared is asked for to the amount that one gets.
            if (ResourceNames.IsExtended(resource)) errors.Add(FieldError.Required($"{path}.limits", "Limit must be set for non overcommitable resources"));
            return;
        }

        if (ResourceNames.IsExtended(resource) && request != limit)
        {
            errors.Add(FieldError.Invalid($"{path}.requests", $"\"{request}\"", $"must be equal to {resource} limit of {limit}"));
            return;
        }

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

            OneHandler(settings, $"{path}.{probe}", ["exec", "httpGet", "tcpSocket", "grpc"], errors);
        }
    }

    private static void Hooks(JsonObject container, string path, List<FieldError> errors)
    {
        foreach (var hook in new[] { "postStart", "preStop" })
        {
            if (container.At("lifecycle", hook) is JsonObject settings) OneHandler(settings, $"{path}.lifecycle.{hook}", ["exec", "httpGet", "tcpSocket", "sleep"], errors);
        }
    }

    private static void OneHandler(JsonObject settings, string path, string[] handlers, List<FieldError> errors)
    {
        var given = handlers.Where(h => settings.Members(h) is not null).ToList();
        foreach (var second in given.Skip(1)) errors.Add(FieldError.Forbidden($"{path}.{second}", "may not specify more than 1 handler type"));
        if (given.Count == 0) errors.Add(FieldError.Required(path, "must specify a handler type"));
    }
}
