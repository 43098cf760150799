using System.Text;

namespace Kube.Nodes.Linux;

/// <summary>
/// <c>$(NAME)</c> in commands, arguments and values of variables. <c>$$</c> is a dollar sign, and what refers to nothing known
/// stays as written (<c>k8s.io/kubernetes/third_party/forked/golang/expansion</c>).
/// </summary>
internal static class VariableExpansion
{
    public static string Expand(string text, IReadOnlyDictionary<string, string> variables)
    {
        if (!text.Contains('$', StringComparison.Ordinal)) return text;
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '$' || i + 1 == text.Length)
            {
                result.Append(text[i]);
                continue;
            }

            i++;
            if (text[i] == '$')
            {
                result.Append('$');
            }
            else if (text[i] == '(' && text.IndexOf(')', i) is > 0 and var close)
            {
                var name = text[(i + 1)..close];
                result.Append(variables.TryGetValue(name, out var value) ? value : $"$({name})");
                i = close;
            }
            else
            {
                result.Append('$').Append(text[i]);
            }
        }

        return result.ToString();
    }
}
