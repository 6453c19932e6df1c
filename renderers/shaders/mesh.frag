// Lit by a lamp above the viewer's shoulder; both sides of a face are seen.

uniform sampler2D u_texture;

varying vec3 v_local;
varying vec3 v_normal;
varying vec3 v_colour;
varying vec2 v_uv;

void main() {
    vec3 normal = normalize(v_normal);
    if (dot(normal, v_local) > 0.0) normal = -normal;
    float light = 0.45 + 0.55 * clamp(dot(normal, normalize(vec3(-0.35, -0.55, -0.75))), 0.0, 1.0);
    vec3 colour = v_colour * texture2D(u_texture, vec2(v_uv.x, 1.0 - v_uv.y)).rgb;
    gl_FragColor = vec4(colour * light, 1.0);
}
