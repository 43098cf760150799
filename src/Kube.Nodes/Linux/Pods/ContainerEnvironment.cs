using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>Puts a container's environment together: image, services, <c>envFrom</c>, <c>env</c>; the later wins.</summary>
internal static class ContainerEnvironment
{
    /// <exception cref="MissingReferenceException">A ConfigMap, a Secret or a key that is not optional is missing.</exception>
    public static ImmutableArray<KeyValuePair<string, string>> Build(PodSpecView pod, ContainerView container, IEnumerable<KeyValuePair<string, string>> image, INodeObjects objects, DownwardFields fields)
    {
        var variables = new OrderedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in image) variables[name] = value;
        // Values of the manifest may refer to services and to one another, but not to the image's variables.
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in ServiceVariables.Of(pod, objects.Services)) Set(name, value);
        foreach (var from in container.Spec.Items("envFrom")) AddAll(from);
        foreach (var variable in container.Spec.Items("env"))
        {
            var name = variable.Text("name") ?? "";
            var value = variable.Has("valueFrom") ? From(variable.At("valueFrom")) : VariableExpansion.Expand(variable.Text("value") ?? "", known);
            if (value is not null) Set(name, value);
        }

        variables["HOSTNAME"] = variables.GetValueOrDefault("HOSTNAME") ?? pod.Hostname;
        if (!variables.ContainsKey("PATH")) variables["PATH"] = Tool.SearchPath;
        return [.. variables];

        void Set(string name, string value) => variables[name] = known[name] = value;

        void AddAll(JsonElement from)
        {
            var prefix = from.Text("prefix") ?? "";
            var isSecret = from.Has("secretRef");
            var reference = from.At(isSecret ? "secretRef" : "configMapRef");
            var name = reference.Text("name") ?? "";
            var source = isSecret ? objects.Secret(pod.Meta.Namespace, name) : objects.ConfigMap(pod.Meta.Namespace, name);
            if (source is null)
            {
                if (reference.Flag("optional") == true) return;
                throw new MissingReferenceException($"{(isSecret ? "secret" : "configmap")} \"{name}\" not found");
            }

            foreach (var (key, value) in Values(source, isSecret)) Set(prefix + key, value);
        }

        string? From(JsonElement from)
        {
            if (from.Text("fieldRef", "fieldPath") is { } path) return fields.Field(path) ?? throw new MissingReferenceException($"unsupported fieldPath: {path}");
            if (from.Has("resourceFieldRef")) return fields.Resource(from.At("resourceFieldRef"), container) ?? throw new MissingReferenceException($"unsupported resource: {from.Text("resourceFieldRef", "resource")}");
            var isSecret = from.Has("secretKeyRef");
            var reference = from.At(isSecret ? "secretKeyRef" : "configMapKeyRef");
            var (name, key, optional) = (reference.Text("name") ?? "", reference.Text("key") ?? "", reference.Flag("optional") ?? false);
            var source = isSecret ? objects.Secret(pod.Meta.Namespace, name) : objects.ConfigMap(pod.Meta.Namespace, name);
            if (source is null) return optional ? null : throw new MissingReferenceException($"{(isSecret ? "secret" : "configmap")} \"{name}\" not found");
            foreach (var (candidate, value) in Values(source, isSecret))
            {
                if (candidate == key) return value;
            }

            return optional ? null : throw new MissingReferenceException($"couldn't find key {key} in {(isSecret ? "Secret" : "ConfigMap")} {pod.Meta.Namespace}/{name}");
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Values(KubeObject source, bool isSecret)
    {
        foreach (var (key, value) in source.Root.TextMap("data").OrderBy(static d => d.Key, StringComparer.Ordinal))
        {
            yield return KeyValuePair.Create(key, isSecret ? Encoding.UTF8.GetString(Convert.FromBase64String(value)) : value);
        }
    }
}
