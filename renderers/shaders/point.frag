// A disc out of the point's square.

uniform float u_diameter;

varying vec3 v_colour;

void main() {
    vec2 offset = gl_PointCoord - 0.5;
    if (u_diameter > 2.5 && dot(offset, offset) > 0.25) discard;
    gl_FragColor = vec4(v_colour, 1.0);
}
